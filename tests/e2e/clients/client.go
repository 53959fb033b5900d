// POSTs a body in each way that Go documents, and PUTs without one. Arguments: URL to POST to, URL to PUT to or "-", body, header
// fields. In the body WAY stands for the name of the way. Prints each way with its status.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	url, put, text, fields := os.Args[1], os.Args[2], os.Args[3], os.Args[4:]
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second, ForceAttemptHTTP2: true}}
	send := func(way, method, url string, body io.Reader, change func(*http.Request)) {
		request, err := http.NewRequest(method, url, body)
		if err != nil {
			panic(err)
		}
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			request.Header.Set(name, value)
		}
		change(request)
		answer, err := client.Do(request)
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		fmt.Println(way, answer.StatusCode)
	}
	asItIs := func(*http.Request) {}
	body := func(way string) []byte { return []byte(strings.ReplaceAll(text, "WAY", way)) }

	send("bytes", "POST", url, bytes.NewReader(body("bytes")), asItIs)
	reader, writer := io.Pipe()
	go func() {
		for _, piece := range strings.SplitAfter(string(body("pipe")), ",") {
			io.WriteString(writer, piece)
		}
		writer.Close()
	}()
	send("pipe", "POST", url, reader, asItIs)
	send("expect", "POST", url, bytes.NewReader(body("expect")), func(request *http.Request) {
		request.Header.Set("Expect", "100-continue")
	})
	send("stream_of_known_length", "POST", url, io.MultiReader(bytes.NewReader(body("stream_of_known_length"))), func(request *http.Request) {
		request.ContentLength = int64(len(body("stream_of_known_length")))
	})
	if put != "-" {
		send("put", "PUT", strings.Replace(put, "WAY", "put", 1), nil, asItIs)
		send("put_no_body", "PUT", strings.Replace(put, "WAY", "put_no_body", 1), http.NoBody, asItIs)
	}
}
