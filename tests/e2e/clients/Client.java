// POSTs a body in each way that Java documents, and PUTs without one. Arguments: URL to POST to, URL to PUT to or "-", body, header
// fields. In the body WAY stands for the name of the way. Prints each way with its status.

import java.io.ByteArrayInputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.Arrays;

public class Client {
    private static String[] fields;

    public static void main(String[] words) throws Exception {
        String url = words[0], put = words[1], text = words[2];
        fields = Arrays.copyOfRange(words, 3, words.length);
        for (var version : HttpClient.Version.values()) {
            String way = "text_" + version.name().toLowerCase();
            say(way, send(version, url, "POST", BodyPublishers.ofString(text.replace("WAY", way)), false));
            way = "stream_" + version.name().toLowerCase();
            var bytes = text.replace("WAY", way).getBytes();
            say(way, send(version, url, "POST", BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes)), false));
        }
        say("expect", send(HttpClient.Version.HTTP_1_1, url, "POST", BodyPublishers.ofString(text.replace("WAY", "expect")), true));
        say("connection", connection(url, text.replace("WAY", "connection"), false));
        say("connection_stream", connection(url, text.replace("WAY", "connection_stream"), true));
        if (!put.equals("-")) {
            say("put", send(HttpClient.Version.HTTP_2, put.replace("WAY", "put"), "PUT", BodyPublishers.noBody(), false));
        }
    }

    private static void say(String way, int status) {
        System.out.println(way + " " + status);
    }

    // A client of its own: only the first request of a client asks for HTTP/2.
    private static int send(HttpClient.Version version, String url, String method, BodyPublisher body, boolean expect) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).version(version).method(method, body).expectContinue(expect);
        for (String field : fields) {
            request.header(field.split(": ", 2)[0], field.split(": ", 2)[1]);
        }
        return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    private static int connection(String url, String text, boolean stream) throws Exception {
        var one = (HttpURLConnection) URI.create(url).toURL().openConnection();
        one.setRequestMethod("POST");
        one.setDoOutput(true);
        if (stream) {
            one.setChunkedStreamingMode(1000);
        }
        for (String field : fields) {
            one.setRequestProperty(field.split(": ", 2)[0], field.split(": ", 2)[1]);
        }
        try (var out = one.getOutputStream()) {
            out.write(text.getBytes());
        }
        return one.getResponseCode();
    }
}
