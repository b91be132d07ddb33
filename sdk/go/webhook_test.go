package countersign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	otherSecret   = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

var webhookTime = time.Unix(1769860800, 0)

func sign(id, payload, secret string, at time.Time) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	hash := hmac.New(sha256.New, key)
	fmt.Fprintf(hash, "%s.%d.%s", id, at.Unix(), payload)
	return "v1," + base64.StdEncoding.EncodeToString(hash.Sum(nil))
}

func webhookHeader(id string, at time.Time, signatures ...string) http.Header {
	header := http.Header{}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	header.Set("webhook-signature", strings.Join(signatures, " "))
	return header
}

const approved = `{"type":"verification.approved","timestamp":"2026-01-31T12:00:00.000Z","data":{"verification_id":"ver_1","mode":"live","profile":"default","country":"PL","status":"approved","delivery":"delivered","message_id":null,"provider":"smsapi","reason":null,"later":1}}`

func TestWebhooks(t *testing.T) {
	right := sign("whm_1", approved, webhookSecret, webhookTime)
	for name, one := range map[string]struct {
		payload string
		header  http.Header
		secrets []string
		now     time.Time
		good    bool
	}{
		"right":                    {approved, webhookHeader("whm_1", webhookTime, right), []string{webhookSecret}, webhookTime, true},
		"two signatures":           {approved, webhookHeader("whm_1", webhookTime, "v1,AAAA", "v1a,x", right), []string{webhookSecret}, webhookTime, true},
		"two secrets":              {approved, webhookHeader("whm_1", webhookTime, right), []string{otherSecret, webhookSecret}, webhookTime, true},
		"without whsec_":           {approved, webhookHeader("whm_1", webhookTime, right), []string{webhookSecret[6:]}, webhookTime, true},
		"five minutes late":        {approved, webhookHeader("whm_1", webhookTime, right), []string{webhookSecret}, webhookTime.Add(5 * time.Minute), true},
		"later":                    {approved, webhookHeader("whm_1", webhookTime, right), []string{webhookSecret}, webhookTime.Add(5*time.Minute + time.Second), false},
		"earlier":                  {approved, webhookHeader("whm_1", webhookTime, right), []string{webhookSecret}, webhookTime.Add(-5*time.Minute - time.Second), false},
		"another secret":           {approved, webhookHeader("whm_1", webhookTime, right), []string{otherSecret}, webhookTime, false},
		"another id":               {approved, webhookHeader("whm_2", webhookTime, right), []string{webhookSecret}, webhookTime, false},
		"another body":             {approved + " ", webhookHeader("whm_1", webhookTime, right), []string{webhookSecret}, webhookTime, false},
		"another time":             {approved, webhookHeader("whm_1", webhookTime.Add(time.Second), right), []string{webhookSecret}, webhookTime, false},
		"no signature":             {approved, webhookHeader("whm_1", webhookTime), []string{webhookSecret}, webhookTime, false},
		"an empty signature":       {approved, webhookHeader("whm_1", webhookTime, "v1,"), []string{webhookSecret}, webhookTime, false},
		"another version":          {approved, webhookHeader("whm_1", webhookTime, "v2"+right[2:]), []string{webhookSecret}, webhookTime, false},
		"no headers":               {approved, http.Header{}, []string{webhookSecret}, webhookTime, false},
		"signed, and no JSON":      {"x", webhookHeader("whm_1", webhookTime, sign("whm_1", "x", webhookSecret, webhookTime)), []string{webhookSecret}, webhookTime, false},
		"signed, of another shape": {`{"type":"key.created"}`, webhookHeader("whm_1", webhookTime, sign("whm_1", `{"type":"key.created"}`, webhookSecret, webhookTime)), []string{webhookSecret}, webhookTime, false},
	} {
		event, err := verifyWebhook([]byte(one.payload), one.header, one.secrets, one.now)
		if one.good != (err == nil) || err != nil && !errors.Is(err, ErrInvalidWebhook) {
			t.Errorf("%s: %v", name, err)
		}
		if one.good && (event.ID != "whm_1" || event.Type != EventTypeVerificationApproved || event.Verification.Status != StatusApproved ||
			*event.Verification.Provider != "smsapi" || event.Verification.Reason != nil || !event.Timestamp.Equal(webhookTime)) {
			t.Errorf("%s: %+v", name, event)
		}
	}
}

// An empty secret is one that anybody has.
func TestWebhookSecrets(t *testing.T) {
	header := webhookHeader("whm_1", webhookTime, sign("whm_1", approved, "", webhookTime))
	for _, secrets := range [][]string{nil, {""}, {"whsec_"}, {"whsec_AAAA"}, {webhookSecret, ""}, {"whsec_*"}} {
		if event, err := verifyWebhook([]byte(approved), header, secrets, webhookTime); err == nil || errors.Is(err, ErrInvalidWebhook) {
			t.Errorf("%q: %+v %v", secrets, event, err)
		}
	}
}

func TestWebhookTypes(t *testing.T) {
	for payload, check := range map[string]func(*WebhookEvent) bool{
		`{"type":"key.rotated","timestamp":"2026-01-31T12:00:00.000Z","data":{"key_id":"key_1","mode":"test","name":"n","scopes":["keys:write","later:scope"],"disabled":false,"expires_at":"2026-02-01T12:00:00.000Z","replaced_by":"key_2"}}`: func(e *WebhookEvent) bool {
			return e.Type == EventTypeKeyRotated && e.Verification == nil && *e.Key.ReplacedBy == "key_2" && e.Key.Scopes[1] == "later:scope" && e.Key.ExpiresAt != nil
		},
		`{"type":"message.failed","timestamp":"2026-01-31T12:00:00.000Z","data":{"verification_id":"ver_1","reason":"UNDELIV"}}`: func(e *WebhookEvent) bool {
			return *e.Verification.Reason == "UNDELIV"
		},
		`{"type":"member.created","timestamp":"2026-01-31T12:00:00.000Z","data":{"member_id":"mem_1","invitation_id":"inv_1","role":"subuser","disabled":false}}`: func(e *WebhookEvent) bool {
			return e.Key == nil && *e.Member.MemberID == "mem_1" && *e.Member.InvitationID == "inv_1" && e.Member.Role == "subuser"
		},
		`{"type":"webhook.ping","timestamp":"2026-01-31T12:00:00.000Z","data":{"webhook_id":"whk_1"}}`: func(e *WebhookEvent) bool {
			return e.Type == EventTypeWebhookPing && e.Verification == nil && e.Key == nil
		},
		`{"type":"subject.enrolled","timestamp":"2026-01-31T12:00:00.000Z","data":{"a":1},"more":true}`: func(e *WebhookEvent) bool {
			return e.Type == "subject.enrolled" && string(e.Data) == `{"a":1}`
		},
	} {
		header := webhookHeader("whm_1", webhookTime, sign("whm_1", payload, webhookSecret, webhookTime))
		event, err := verifyWebhook([]byte(payload), header, []string{webhookSecret}, webhookTime)
		if err != nil || !check(event) {
			t.Errorf("%s: %+v %v", payload, event, err)
		}
	}
}
