// The same work with Go's net/http: GET a session over keep-alive TLS, check the certificate, decode the JSON.
//
//	go_client URL CA_FILE KEY SESSIONS CONNECTIONS [INTERVAL]
//
// HTTP_VERSION=2 in the environment uses HTTP/2; CONNECTIONS are then requests in flight.
// Without an interval every connection asks again as soon as it was answered; with one, each session has a goroutine
// and a ticker of its own, as one would write it.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

type session struct {
	ID        string     `json:"id"`
	Status    string     `json:"status"`
	Provider  string     `json:"provider"`
	Mode      string     `json:"mode"`
	CreatedAt *time.Time `json:"created_at"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

func poll(client *http.Client, url, key, id string) {
	request, err := http.NewRequest("GET", url+"/sessions/"+id, nil)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client.Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	var got session
	if err := json.Unmarshal(body, &got); err != nil || got.ID != id {
		fmt.Fprintln(os.Stderr, "not the session that was asked for", err)
	}
}

func main() {
	url, key := os.Args[1], os.Args[3]
	authority, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	sessions, _ := strconv.Atoi(os.Args[4])
	connections, _ := strconv.Atoi(os.Args[5])
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConns:        connections,
		MaxIdleConnsPerHost: connections,
	}
	if os.Getenv("HTTP_VERSION") == "2" {
		transport.ForceAttemptHTTP2 = true
	} else {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		transport.MaxConnsPerHost = connections
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: transport}
	name := func(number int) string { return fmt.Sprintf("sess_%026d", number%sessions) }
	if len(os.Args) > 6 {
		interval, err := time.ParseDuration(os.Args[6])
		if err != nil {
			panic(err)
		}
		for i := 0; i < sessions; i++ {
			go func(i int) {
				time.Sleep(interval * time.Duration(i) / time.Duration(sessions))
				for range time.Tick(interval) {
					poll(client, url, key, name(i))
				}
			}(i)
		}
	} else {
		for i := 0; i < connections; i++ {
			go func(i int) {
				for turn := i; ; turn += connections {
					poll(client, url, key, name(turn))
				}
			}(i)
		}
	}
	select {}
}
