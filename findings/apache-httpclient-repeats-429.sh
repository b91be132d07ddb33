#!/usr/bin/env bash
# org.apache.httpcomponents.client5:httpclient5 5.5 (Maven), Java 11 or newer.
#
# Behaviour: the default client answers a 429 by waiting as long as Retry-After says and sending the request
#   again, a POST too. There is no bound on the wait, and the program is not told.
# Likely guess: a 429 is an answer like any other: the program gets it and decides; a POST is never repeated
#   by itself, as it is not after a broken connection.
# Seen: one call of the program, two requests 2 s apart (Retry-After: 2), and the second answer alone.
# Way out: HttpClients.custom().disableAutomaticRetries(), or a server that says no Retry-After where a second
#   request would do harm.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p src/main/java
cat >pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.apache.httpcomponents.client5</groupId><artifactId>httpclient5</artifactId><version>5.5</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
cat >src/main/java/Finding.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.io.entity.StringEntity;

public class Finding {
    public static void main(String[] arguments) throws Exception {
        List<Long> requests = new ArrayList<>();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            requests.add(System.nanoTime());
            exchange.getResponseHeaders().add("Retry-After", "2");
            exchange.sendResponseHeaders(requests.size() == 1 ? 429 : 201, -1);
            exchange.close();
        });
        server.start();
        int status;
        try (var client = HttpClients.createDefault()) {
            HttpPost post = new HttpPost("http://127.0.0.1:" + server.getAddress().getPort() + "/");
            post.setEntity(new StringEntity("a=1"));
            status = client.execute(post, response -> response.getCode());
        }
        server.stop(0);
        double apart = requests.size() == 2 ? (requests.get(1) - requests.get(0)) / 1e9 : 0;
        System.out.printf("1 call, %d requests, %.1f s apart, the program sees %d%n", requests.size(), apart, status);
        if (requests.size() != 2 || apart < 1.9 || status != 201) System.exit(1);
    }
}
JAVA
mvn --quiet --batch-mode compile org.codehaus.mojo:exec-maven-plugin:3.5.0:java -Dexec.mainClass=Finding
