package tests

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	countersign "github.com/countersign/countersign/sdk/go"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// What the library of Standard Webhooks itself signs and accepts is accepted, and nothing else.
func TestOfficialLibrary(t *testing.T) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	official := must[*standardwebhooks.Webhook](t)(standardwebhooks.NewWebhook(secret))
	payload := []byte(`{"type":"webhook.ping","timestamp":"2026-01-31T12:00:00.000Z","data":{"webhook_id":"whk_1","mode":"live"}}`)
	for _, offset := range []time.Duration{0, -4 * time.Minute, 4 * time.Minute, -6 * time.Minute, 6 * time.Minute} {
		for _, change := range []string{"", "body", "id", "signature"} {
			at, body := time.Now().Add(offset), payload
			header := http.Header{}
			header.Set("webhook-id", "whm_1")
			header.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
			header.Set("webhook-signature", "v1,AAAA "+must[string](t)(official.Sign("whm_1", at, payload)))
			switch change {
			case "body":
				body = append([]byte(" "), payload...)
			case "id":
				header.Set("webhook-id", "whm_2")
			case "signature":
				header.Set("webhook-signature", "v1,AAAA")
			}
			event, err := countersign.VerifyWebhook(body, header, secret)
			if wanted := official.Verify(body, header); (err == nil) != (wanted == nil) || err != nil && !errors.Is(err, countersign.ErrInvalidWebhook) {
				t.Errorf("%v %q: %v, the library %v", offset, change, err, wanted)
			}
			if err == nil && event.Type != countersign.EventTypeWebhookPing {
				t.Errorf("%+v", event)
			}
		}
	}
}

// Messages that dev sends to a receiver on this machine, where delivery.allowed_networks lets it.
func TestDeliveries(t *testing.T) {
	type message struct {
		body   []byte
		header http.Header
	}
	messages := make(chan message, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		messages <- message{body, r.Header}
	}))
	defer receiver.Close()
	client := connect(t, ready.TestKey)
	created, err := client.Webhooks.Create(t.Context(), countersign.CreateWebhook{
		Name: newName(t, "sdk"), URL: receiver.URL, Events: []countersign.EventType{countersign.EventTypeVerificationApproved},
	})
	if countersign.IsCode(err, countersign.CodeInvalidRequest) {
		problem := wantProblem(t, err, countersign.CodeInvalidRequest)
		if len(problem.Errors) != 1 || problem.Errors[0].Field != "url" {
			t.Fatal(err)
		}
		t.Log("dev tells nobody on this machine: delivery.allowed_networks is not set")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer client.Webhooks.Delete(context.Background(), created.ID)
	next := func() *countersign.WebhookEvent {
		t.Helper()
		select {
		case one := <-messages:
			event, err := countersign.VerifyWebhook(one.body, one.header, string(created.Secret))
			if err != nil {
				t.Fatal(err)
			}
			return event
		case <-time.After(20 * time.Second):
			t.Fatal("no message came")
			return nil
		}
	}
	queued := must[*countersign.QueuedMessage](t)(client.Webhooks.Ping(t.Context(), created.ID))
	if ping := next(); ping.Type != countersign.EventTypeWebhookPing || ping.ID != queued.MessageID {
		t.Errorf("%+v", ping)
	}
	verification := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: newNumber(t)}))
	must[*countersign.CheckAnswer](t)(client.Verifications.Check(t.Context(), verification.ID, check{Code: "123456"}))
	// Other tests with the same key are told of too.
	for event := next(); event.Verification.VerificationID != verification.ID; event = next() {
		if event.Verification.Status != countersign.StatusApproved || event.Verification.Mode != countersign.ModeTest {
			t.Errorf("%+v", event)
		}
	}
	waitFor(t, "the log", func() bool {
		attempts, err := countersign.Collect(client.Webhooks.Attempts(t.Context(), created.ID, countersign.ListAttemptsParams{Limit: 1}))
		return err == nil && len(attempts) >= 2 && attempts[0].Delivered
	})
}
