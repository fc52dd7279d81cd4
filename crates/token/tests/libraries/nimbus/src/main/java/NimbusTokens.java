import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.Ed25519Signer;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;

/** Signs and verifies with Nimbus JOSE + JWT: NimbusTokens sign|verify, a JSON request on stdin. */
public final class NimbusTokens {
    public static void main(String[] arguments) throws Exception {
        String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        Map<String, Object> request = JSONObjectUtils.parse(text);
        JWK key = JWK.parse(JSONObjectUtils.getJSONObject(request, "jwk"));
        if (arguments[0].equals("sign")) {
            JWSHeader header = JWSHeader.parse(JSONObjectUtils.getJSONObject(request, "header"));
            JWTClaimsSet claims = JWTClaimsSet.parse(JSONObjectUtils.getJSONObject(request, "claims"));
            SignedJWT token = new SignedJWT(header, claims);
            token.sign(signer(key));
            System.out.println(token.serialize());
            return;
        }
        SignedJWT token = SignedJWT.parse(JSONObjectUtils.getString(request, "token"));
        if (!token.verify(verifier(key))) {
            throw new IllegalStateException("bad signature");
        }
        new DefaultJWTClaimsVerifier<>(null, Set.of("exp")).verify(token.getJWTClaimsSet(), null);
        System.out.println(token.getJWTClaimsSet());
    }

    private static JWSSigner signer(JWK key) throws Exception {
        return switch (key.getKeyType().getValue()) {
            case "oct" -> new MACSigner(key.toOctetSequenceKey());
            case "EC" -> new ECDSASigner(key.toECKey());
            default -> new Ed25519Signer(key.toOctetKeyPair());
        };
    }

    private static JWSVerifier verifier(JWK key) throws Exception {
        return switch (key.getKeyType().getValue()) {
            case "oct" -> new MACVerifier(key.toOctetSequenceKey());
            case "EC" -> new ECDSAVerifier(key.toECKey());
            default -> new Ed25519Verifier(key.toOctetKeyPair());
        };
    }
}
