#!/usr/bin/env bash
# JJWT refuses a claims token whose header has `cty`, as "Unexpected content JWS".
#
# Expected: RFC 7519, section 5.2: without nesting, `cty` is "NOT RECOMMENDED", which allows it; only the value "JWT"
#   has a meaning, nested tokens. Some issuers name the kind of their token there.
# Seen: parseSignedClaims treats the payload as opaque bytes as soon as any `cty` is present, and throws
#   UnsupportedJwtException. jose4j and Auth0's java-jwt verify the token.
# Versions: io.jsonwebtoken:jjwt 0.13.0, org.bitbucket.b_c:jose4j 0.9.6, com.auth0:java-jwt 4.6.2 (Maven).
# Why it matters: the signature, the issuer and every claim are right. An issuer that adds the member to its header
#   cuts off its Java callers alone, with a message that speaks of content where the token has claims.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>example</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>io.jsonwebtoken</groupId><artifactId>jjwt-impl</artifactId><version>0.13.0</version></dependency>
    <dependency><groupId>io.jsonwebtoken</groupId><artifactId>jjwt-gson</artifactId><version>0.13.0</version></dependency>
    <dependency><groupId>com.auth0</groupId><artifactId>java-jwt</artifactId><version>4.6.2</version></dependency>
    <dependency><groupId>org.bitbucket.b_c</groupId><artifactId>jose4j</artifactId><version>0.9.6</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -Dmaven.repo.local="$work/m2" dependency:copy-dependencies -DoutputDirectory=lib >/dev/null

cat > Check.java <<'JAVA'
import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import io.jsonwebtoken.Jwts;
import java.nio.charset.StandardCharsets;
import javax.crypto.spec.SecretKeySpec;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;

public class Check {
  interface Verifier { void verify(String token) throws Exception; }

  static String outcome(Verifier verifier, String token) {
    try {
      verifier.verify(token);
      return "verified";
    } catch (Exception error) {
      return error.getClass().getSimpleName() + ": " + error.getMessage();
    }
  }

  public static void main(String[] none) throws Exception {
    byte[] secret = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.UTF_8);
    SecretKeySpec key = new SecretKeySpec(secret, "HmacSHA256");
    for (String cty : new String[] {null, "access;v=1"}) {
      JsonWebSignature jws = new JsonWebSignature();
      jws.setAlgorithmHeaderValue("HS256");
      jws.setHeader("typ", "JWT");
      if (cty != null) jws.setContentTypeHeaderValue(cty);
      jws.setPayload("{\"sub\":\"alice\",\"exp\":" + (System.currentTimeMillis() / 1000 + 60) + "}");
      jws.setKey(key);
      String token = jws.getCompactSerialization();
      String with = "cty " + (cty == null ? "(none)" : cty);
      System.out.println(with + ": jose4j: " + outcome(new JwtConsumerBuilder().setVerificationKey(key).build()::process, token));
      System.out.println(with + ": java-jwt: " + outcome(JWT.require(Algorithm.HMAC256(secret)).build()::verify, token));
      System.out.println(with + ": jjwt: " + outcome(Jwts.parser().verifyWith(key).build()::parseSignedClaims, token));
    }
  }
}
JAVA
timeout 120 java -cp 'lib/*' Check.java 2>/dev/null | tee seen
cat > expected <<'TEXT'
cty (none): jose4j: verified
cty (none): java-jwt: verified
cty (none): jjwt: verified
cty access;v=1: jose4j: verified
cty access;v=1: java-jwt: verified
cty access;v=1: jjwt: UnsupportedJwtException: Unexpected content JWS.
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
