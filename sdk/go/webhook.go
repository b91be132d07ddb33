package countersign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrInvalidWebhook is what all errors of [VerifyWebhook] are that the sender caused: answer
// 400 and believe nothing of the message.
var ErrInvalidWebhook = errors.New("countersign: the webhook message does not verify")

// EventTypeWebhookPing is what [WebhooksService.Ping] sends.
const EventTypeWebhookPing EventType = "webhook.ping"

// webhookTolerance is how far the time of a message may be off, both ways.
const webhookTolerance = 5 * time.Minute

// A WebhookEvent is something that a webhook tells.
type WebhookEvent struct {
	// ID is the same each time the message is sent: who remembers it does its work once.
	ID string
	// Type may be one that this version does not know.
	Type EventType
	// Timestamp is when it happened.
	Timestamp time.Time
	// Verification is set for verification.* and message.*.
	Verification *VerificationEvent
	// Key is set for key.*.
	Key *KeyEvent
	// Member is set for member.*.
	Member *MemberEvent
	// Data is what was told as it came, for all types.
	Data json.RawMessage
}

// A VerificationEvent is how a verification stood when something happened to it.
type VerificationEvent struct {
	VerificationID string   `json:"verification_id"`
	Mode           Mode     `json:"mode"`
	Profile        *string  `json:"profile"`
	Country        *string  `json:"country"`
	Status         Status   `json:"status"`
	Delivery       Delivery `json:"delivery"`
	MessageID      *string  `json:"message_id"`
	Provider       *string  `json:"provider"`
	Reason         *string  `json:"reason"`
}

// A KeyEvent is a key after a change.
type KeyEvent struct {
	KeyID      string     `json:"key_id"`
	Mode       Mode       `json:"mode"`
	Name       string     `json:"name"`
	Scopes     []Scope    `json:"scopes"`
	Disabled   bool       `json:"disabled"`
	ExpiresAt  *time.Time `json:"expires_at"`
	ReplacedBy *string    `json:"replaced_by"`
	// MemberID is the member to whom the key belongs; nil for a key of the company.
	MemberID *string `json:"member_id"`
}

// A MemberEvent is a member after a change, or for member.invited an invitation. Data has the limits.
type MemberEvent struct {
	// MemberID is nil for member.invited.
	MemberID *string `json:"member_id"`
	// InvitationID is set for member.invited and member.created.
	InvitationID *string `json:"invitation_id"`
	Role         string  `json:"role"`
	Disabled     bool    `json:"disabled"`
}

// VerifyWebhook reads a message of a webhook if it was signed with one of the secrets and is
// at most five minutes old (Standard Webhooks 1.0). Payload is the body as it came.
func VerifyWebhook(payload []byte, header http.Header, secrets ...string) (*WebhookEvent, error) {
	return verifyWebhook(payload, header, secrets, time.Now())
}

func verifyWebhook(payload []byte, header http.Header, secrets []string, now time.Time) (*WebhookEvent, error) {
	keys, err := webhookKeys(secrets)
	if err != nil {
		return nil, err
	}
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil {
		return nil, fmt.Errorf("%w: a header is missing or wrong", ErrInvalidWebhook)
	}
	if at := time.Unix(seconds, 0); now.Sub(at) > webhookTolerance || at.Sub(now) > webhookTolerance {
		return nil, fmt.Errorf("%w: its time is more than five minutes off", ErrInvalidWebhook)
	}
	if !isSigned([]byte(id+"."+stamp+"."+string(payload)), header.Get("Webhook-Signature"), keys) {
		return nil, fmt.Errorf("%w: no signature is right", ErrInvalidWebhook)
	}
	return readWebhook(id, payload)
}

// webhookKeys refuses what anybody could sign with.
func webhookKeys(secrets []string) ([][]byte, error) {
	if len(secrets) == 0 {
		return nil, errors.New("countersign: VerifyWebhook needs a secret")
	}
	keys := make([][]byte, 0, len(secrets))
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 {
			return nil, errors.New("countersign: the secret of a webhook is whsec_ and the base64 of 24 bytes or more")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func isSigned(text []byte, signatures string, keys [][]byte) bool {
	signed := false
	for _, signature := range strings.Fields(signatures) {
		mac, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
		if err != nil || !strings.HasPrefix(signature, "v1,") {
			continue
		}
		for _, key := range keys {
			hash := hmac.New(sha256.New, key)
			hash.Write(text)
			signed = hmac.Equal(mac, hash.Sum(nil)) || signed
		}
	}
	return signed
}

func readWebhook(id string, payload []byte) (*WebhookEvent, error) {
	var body struct {
		Type      EventType       `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, fmt.Errorf("%w: it is not JSON: %w", ErrInvalidWebhook, err)
	}
	event := &WebhookEvent{ID: id, Type: body.Type, Timestamp: body.Timestamp, Data: body.Data}
	var err error
	switch kind, _, _ := strings.Cut(string(body.Type), "."); kind {
	case "verification", "message":
		event.Verification = &VerificationEvent{}
		err = json.Unmarshal(body.Data, event.Verification)
	case "key":
		event.Key = &KeyEvent{}
		err = json.Unmarshal(body.Data, event.Key)
	case "member":
		event.Member = &MemberEvent{}
		err = json.Unmarshal(body.Data, event.Member)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its data cannot be read: %w", ErrInvalidWebhook, err)
	}
	return event, nil
}
