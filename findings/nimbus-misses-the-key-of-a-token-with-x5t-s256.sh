#!/usr/bin/env bash
# Nimbus finds no key for a token whose header has `x5t#S256`, though `kid` names one in the JWKS.
#
# Expected: RFC 7517, section 4.9: `x5t#S256` of a JWK is OPTIONAL; RFC 7515, section 4.1.8: in a header it is the
#   digest of the certificate "corresponding to the key used". A set that publishes the bare key under that `kid` has
#   it.
# Seen: JWSVerificationKeySelector looks for a JWK that carries the same `x5t#S256` as well as the `kid`. A key
#   without the member does not match, and the token is refused with "Another algorithm expected, or no matching
#   key(s) found". jose4j selects by `kid` and verifies.
# Versions: com.nimbusds:nimbus-jose-jwt 10.10, org.bitbucket.b_c:jose4j 0.9.6 (Maven).
# Why it matters: Spring Security verifies with this selector. Issuers with certificates put the digest into every
#   token, and a JWKS that is copied or generated from the bare keys then verifies none of them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>example</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>com.nimbusds</groupId><artifactId>nimbus-jose-jwt</artifactId><version>10.10</version></dependency>
    <dependency><groupId>org.bitbucket.b_c</groupId><artifactId>jose4j</artifactId><version>0.9.6</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -Dmaven.repo.local="$work/m2" dependency:copy-dependencies -DoutputDirectory=lib >/dev/null

cat > Check.java <<'JAVA'
import com.nimbusds.jose.*;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.*;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.*;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.*;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.security.SecureRandom;
import java.util.Date;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.keys.resolvers.JwksVerificationKeyResolver;

public class Check {
  interface Verifier { void verify(String token) throws Exception; }

  static String outcome(Verifier verifier, String token) {
    try {
      verifier.verify(token);
      return "verified";
    } catch (Exception error) {
      return error.getMessage();
    }
  }

  public static void main(String[] none) throws Exception {
    ECKey key = new ECKeyGenerator(Curve.P_256).keyID("es").keyUse(KeyUse.SIGNATURE).algorithm(JWSAlgorithm.ES256).generate();
    JWKSet jwks = new JWKSet(key.toPublicJWK());
    byte[] digest = new byte[32];
    new SecureRandom().nextBytes(digest);
    for (boolean thumbprint : new boolean[] {false, true}) {
      JWSHeader.Builder header = new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("es");
      if (thumbprint) header.x509CertSHA256Thumbprint(Base64URL.encode(digest));
      Date exp = new Date(System.currentTimeMillis() + 60_000);
      SignedJWT jwt = new SignedJWT(header.build(), new JWTClaimsSet.Builder().subject("alice").expirationTime(exp).build());
      jwt.sign(new ECDSASigner(key));

      DefaultJWTProcessor<SecurityContext> nimbus = new DefaultJWTProcessor<>();
      nimbus.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, new ImmutableJWKSet<>(jwks)));
      JwksVerificationKeyResolver keys = new JwksVerificationKeyResolver(new JsonWebKeySet(jwks.toString()).getJsonWebKeys());
      String with = thumbprint ? "kid and x5t#S256" : "kid";
      System.out.println(with + ": nimbus: " + outcome(token -> nimbus.process(token, null), jwt.serialize()));
      System.out.println(with + ": jose4j: "
          + outcome(new JwtConsumerBuilder().setVerificationKeyResolver(keys).build()::process, jwt.serialize()));
    }
  }
}
JAVA
timeout 120 java -cp 'lib/*' Check.java 2>/dev/null | tee seen
cat > expected <<'TEXT'
kid: nimbus: verified
kid: jose4j: verified
kid and x5t#S256: nimbus: Signed JWT rejected: Another algorithm expected, or no matching key(s) found
kid and x5t#S256: jose4j: verified
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
