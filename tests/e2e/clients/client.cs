// POSTs a body in each way that .NET documents, and PUTs without one. Arguments: URL to POST to, URL to PUT to or "-", body, header
// fields. In the body WAY stands for the name of the way. Prints each way with its status.

using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;

class Client {
    static string[] fields;

    static void Main(string[] words) {
        string url = words[0], put = words[1], text = words[2];
        fields = words.Skip(3).ToArray();
        Func<string, byte[]> body = way => Encoding.UTF8.GetBytes(text.Replace("WAY", way));
        Say("text", Send("POST", url, new StringContent(Encoding.UTF8.GetString(body("text"))), null, false));
        Say("stream", Send("POST", url, new StreamContent(new MemoryStream(body("stream"))), null, false));
        Say("chunked", Send("POST", url, new StreamContent(new MemoryStream(body("chunked"))), null, true));
        Say("expect", Send("POST", url, new StringContent(Encoding.UTF8.GetString(body("expect"))), true, false));
        Say("chunked_expect", Send("POST", url, new StreamContent(new MemoryStream(body("chunked_expect"))), true, true));
        Say("request", Request(url, body("request"), false));
        Say("request_chunked", Request(url, body("request_chunked"), true));
        if (put != "-") {
            Say("put", Send("PUT", put.Replace("WAY", "put"), null, null, false));
            Say("put_empty", Send("PUT", put.Replace("WAY", "put_empty"), new StringContent(""), null, false));
        }
    }

    static void Say(string way, int status) {
        Console.WriteLine("{0} {1}", way, status);
    }

    static int Send(string method, string url, HttpContent content, bool? expect, bool chunked) {
        using (var client = new HttpClient()) {
            var request = new HttpRequestMessage(new HttpMethod(method), url) { Content = content };
            foreach (var field in fields) {
                request.Headers.TryAddWithoutValidation(field.Substring(0, field.IndexOf(':')), field.Substring(field.IndexOf(':') + 2));
            }
            request.Headers.ExpectContinue = expect;
            if (chunked) {
                request.Headers.TransferEncodingChunked = true;
            }
            return (int)client.SendAsync(request).Result.StatusCode;
        }
    }

    // Waits for 100 Continue unless told otherwise.
    static int Request(string url, byte[] body, bool chunked) {
        var request = (HttpWebRequest)WebRequest.Create(url);
        request.Method = "POST";
        request.AllowWriteStreamBuffering = false;
        request.SendChunked = chunked;
        if (!chunked) {
            request.ContentLength = body.Length;
        }
        foreach (var field in fields) {
            request.Headers.Add(field);
        }
        using (var stream = request.GetRequestStream()) {
            stream.Write(body, 0, body.Length);
        }
        using (var answer = (HttpWebResponse)request.GetResponse()) {
            return (int)answer.StatusCode;
        }
    }
}
