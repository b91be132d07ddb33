package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	countersign "github.com/countersign/countersign/sdk/go"
)

func TestKeys(t *testing.T) {
	client := connect(t, ready.Key)
	name := newName(t, "checkout")
	created := must[*countersign.CreatedKey](t)(client.Keys.Create(t.Context(), countersign.CreateKey{
		Name: name, Mode: countersign.ModeTest, ExpiresAt: time.Now().Add(time.Hour),
		Scopes: []countersign.Scope{countersign.ScopeVerificationsStart, countersign.ScopeVerificationsRead},
	}))
	if !strings.HasPrefix(string(created.Secret), "cs_test_") || created.Mode != countersign.ModeTest || created.ExpiresAt == nil {
		t.Errorf("%+v", created)
	}
	own := connect(t, string(created.Secret))
	waitFor(t, "the new key", func() bool {
		_, err := own.Verifications.ListPage(t.Context(), countersign.ListVerificationsParams{})
		return err == nil
	})
	_, err := own.Keys.ListPage(t.Context(), countersign.ListKeysParams{})
	wantProblem(t, err, countersign.CodeInsufficientScope)

	updated := must[*countersign.Key](t)(client.Keys.Update(t.Context(), created.ID, countersign.UpdateKey{ExpiresAt: countersign.Null[time.Time]()}))
	if updated.ExpiresAt != nil || updated.Name != name {
		t.Errorf("%+v", updated)
	}
	rotated := must[*countersign.CreatedKey](t)(client.Keys.Rotate(t.Context(), created.ID, countersign.RotateKey{Overlap: countersign.Ptr(0)}))
	if rotated.ID == created.ID || rotated.Secret == created.Secret || rotated.Name != name {
		t.Errorf("%+v", rotated)
	}
	waitFor(t, "the end of the old key", func() bool {
		_, err := own.Verifications.ListPage(t.Context(), countersign.ListVerificationsParams{})
		return countersign.IsCode(err, countersign.CodeInvalidKey)
	})
	disabled := must[*countersign.Key](t)(client.Keys.Update(t.Context(), rotated.ID, countersign.UpdateKey{Disabled: countersign.Ptr(true)}))
	if !disabled.Disabled {
		t.Errorf("%+v", disabled)
	}
	seen := map[string]bool{}
	for key, err := range client.Keys.List(t.Context(), countersign.ListKeysParams{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[key.ID] = true
	}
	if !seen[created.ID] || !seen[rotated.ID] || len(seen) < 4 {
		t.Error(seen)
	}
	var acts []string
	for entry, err := range client.Audit.List(t.Context(), countersign.ListAuditParams{Object: created.ID, Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		acts = append(acts, entry.Action)
	}
	if !slices.Equal(acts, []string{"key.rotate", "key.update", "key.create"}) {
		t.Error(acts)
	}
	for _, id := range []string{created.ID, rotated.ID} {
		if err := client.Keys.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
		_, err := client.Keys.Get(t.Context(), id)
		wantProblem(t, err, countersign.CodeNotFound)
	}
}

func TestInvitationsAndProfilesOfKeys(t *testing.T) {
	client := connect(t, ready.Key)
	email := newName(t, "anna") + "@example.com"
	body := countersign.CreateInvitation{
		Email: email, Role: countersign.MemberRoleSubuser, Permissions: []countersign.Scope{countersign.ScopeVerificationsStart},
		Hours:  &countersign.WeekHours{Monday: []countersign.TimeRange{"08:00-16:00"}},
		Shares: countersign.AskedShares{Profiles: countersign.ShareOf("default"), Senders: countersign.ShareNone()},
		Pool:   countersign.Ptr(500),
	}
	made := must[*countersign.Invitation](t)(client.Invitations.Create(t.Context(), body))
	if made.Email == nil || *made.Email != email || made.Delivery != "mail" || made.Sends != 1 {
		t.Errorf("%+v", made)
	}
	if made.Hours == nil || len(made.Hours.Monday) != 1 || len(made.Hours.Tuesday) != 0 {
		t.Errorf("%+v", made.Hours)
	}
	shares := made.Shares
	if !slices.Equal(shares.Profiles.Names(), []string{"default"}) || shares.Senders.All() || !shares.Groups.All() {
		t.Errorf("%+v", shares)
	}
	_, err := client.Invitations.Create(t.Context(), body)
	wantProblem(t, err, countersign.CodeConflict)
	if again := must[*countersign.Invitation](t)(client.Invitations.Resend(t.Context(), made.ID)); again.Sends != 2 {
		t.Errorf("%+v", again)
	}
	if err := client.Invitations.Delete(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	_, err = client.Invitations.Get(t.Context(), made.ID)
	wantProblem(t, err, countersign.CodeNotFound)

	key := must[*countersign.CreatedKey](t)(client.Keys.Create(t.Context(), countersign.CreateKey{
		Name: newName(t, "shop"), Scopes: []countersign.Scope{countersign.ScopeSettingsRead}, Profiles: countersign.ShareOf("default"),
	}))
	if key.Member != nil || !slices.Equal(key.Profiles.Names(), []string{"default"}) {
		t.Errorf("%+v", key)
	}
	wide := must[*countersign.Key](t)(client.Keys.Update(t.Context(), key.ID, countersign.UpdateKey{Profiles: countersign.ShareAll()}))
	if !wide.Profiles.All() {
		t.Errorf("%+v", wide)
	}
	_, err = client.Keys.Move(t.Context(), key.ID, countersign.MoveKey{})
	wantProblem(t, err, countersign.CodeInsufficientScope)
	nobody := "mem_" + strings.Repeat("0", 26)
	page := must[*countersign.KeyPage](t)(client.Keys.ListPage(t.Context(), countersign.ListKeysParams{Member: nobody}))
	if len(page.Data) != 0 {
		t.Errorf("%+v", page)
	}
	_, err = client.Members.Update(t.Context(), nobody, countersign.UpdateMember{Hours: countersign.Null[countersign.WeekHours]()})
	wantProblem(t, err, countersign.CodeNotFound)
	for member, err := range client.Members.List(t.Context(), countersign.ListMembersParams{}) {
		if err != nil || member.ID == nobody {
			t.Error(member, err)
		}
	}
	if err := client.Keys.Delete(t.Context(), key.ID); err != nil {
		t.Error(err)
	}
}

// A secret is shown once: the repeat of a lost answer says so, and makes no second key.
func TestLostKey(t *testing.T) {
	address, _ := relay(t)
	client := connect(t, ready.Key, countersign.WithBaseURL(address))
	name := newName(t, "lost")
	_, err := client.Keys.Create(t.Context(), countersign.CreateKey{Name: name, Scopes: []countersign.Scope{countersign.ScopeReportsRead}})
	wantProblem(t, err, countersign.CodeSecretAlreadyShown)
	made := 0
	for key, err := range connect(t, ready.Key).Keys.List(t.Context(), countersign.ListKeysParams{}) {
		if err != nil {
			t.Fatal(err)
		}
		if key.Name == name {
			made++
			defer client.Keys.Delete(context.Background(), key.ID)
		}
	}
	if made != 1 {
		t.Error(made, "keys")
	}
}

func TestSettings(t *testing.T) {
	client, name := connect(t, ready.Key), newName(t, "sdk")
	profile := must[*countersign.Profile](t)(client.Profiles.Save(t.Context(), name, countersign.SaveProfile{
		Alphabet: countersign.CodeAlphabetLetters, Limits: map[string][]countersign.Bucket{"signup_form": {{Max: 100, Window: 3600}}},
	}))
	if profile.Alphabet != countersign.CodeAlphabetLetters || profile.Limits["signup_form"][0].Max != 100 {
		t.Errorf("%+v", profile)
	}
	profile = must[*countersign.Profile](t)(client.Profiles.Update(t.Context(), name, countersign.SaveProfile{MaxChecks: 3}))
	if profile.MaxChecks != 3 || profile.Alphabet != countersign.CodeAlphabetLetters {
		t.Errorf("%+v", profile)
	}
	if err := client.Profiles.Delete(t.Context(), name); err != nil {
		t.Error(err)
	}
	limit := "sdk_" + strings.TrimPrefix(name, "sdk-")
	saved := must[*countersign.Limit](t)(client.Limits.Save(t.Context(), limit, countersign.SaveLimit{Buckets: []countersign.Bucket{{Max: 7, Window: 60}}}))
	if saved.Buckets[0].Window != 60 {
		t.Errorf("%+v", saved)
	}
	if err := client.Limits.Delete(t.Context(), limit); err != nil {
		t.Error(err)
	}
	template := must[*countersign.Template](t)(client.Templates.Create(t.Context(), countersign.CreateTemplate{
		Name: name, Texts: map[string]string{"en": "{code} is it.", "pl": "Oto {code}."},
	}))
	changed := must[*countersign.Template](t)(client.Templates.Update(t.Context(), template.ID, countersign.UpdateTemplate{
		Texts: map[string]*string{"pl": nil, "de": countersign.Ptr("Hier: {code}.")},
	}))
	if len(changed.Texts) != 2 || changed.Texts["de"] == "" {
		t.Errorf("%+v", changed)
	}
	if err := client.Templates.Delete(t.Context(), template.ID); err != nil {
		t.Error(err)
	}
	texts := must[[]countersign.DefaultTexts](t)(countersign.Collect(client.Templates.Defaults(t.Context())))
	countries := must[*countersign.Countries](t)(client.Countries.Get(t.Context()))
	health := must[*countersign.Health](t)(client.System.Ready(t.Context()))
	if len(texts) == 0 || countries.Default == "" || health.Status != "ok" {
		t.Error(texts, countries, health)
	}
	now := time.Now()
	if _, err := countersign.Collect(client.Reports.Hourly(t.Context(), countersign.ReadHourlyReportParams{From: now.Add(-time.Hour), To: now})); err != nil {
		t.Error(err)
	}
	document := must[*countersign.Document](t)(client.System.OpenAPI(t.Context()))
	if (*document)["openapi"] != "3.1.0" {
		t.Error((*document)["openapi"])
	}
}

func TestDelivery(t *testing.T) {
	client, name := connect(t, ready.Key), newName(t, "sms")
	provider := must[*countersign.Provider](t)(client.Providers.Create(t.Context(), countersign.CreateProvider{
		Name: name, Kind: countersign.ProviderKindSMSAPI, Rate: 5, Settings: map[string]any{"service": "pl", "token": "secret-of-smsapi", "from": "Acme"},
	}))
	defer client.Providers.Delete(context.Background(), provider.ID)
	if provider.Settings["token"] == "secret-of-smsapi" || provider.Rate == nil || *provider.Rate != 5 {
		t.Errorf("%+v", provider)
	}
	// An account takes messages of a route only after it took a test message.
	_, err := client.Routes.Create(t.Context(), countersign.CreateRoute{
		Name: name, Provider: provider.ID, Countries: []countersign.CountryCode{"IS"}, Order: countersign.Ptr(0), Enabled: countersign.Ptr(false), Sender: "Acme",
	})
	if problem := wantProblem(t, err, countersign.CodeInvalidRequest); len(problem.Errors) != 1 || problem.Errors[0].Field != "provider" {
		t.Error(problem)
	}
	sender := must[*countersign.Sender](t)(client.Senders.Create(t.Context(), countersign.CreateSender{Sender: "+4850" + fmt.Sprint(1_000_000+random(t, 9_000_000))}))
	senders := must[[]countersign.Sender](t)(countersign.Collect(client.Senders.List(t.Context())))
	if !slices.ContainsFunc(senders, func(one countersign.Sender) bool { return one.ID == sender.ID && len(one.Countries) == 0 }) {
		t.Error(senders)
	}
	if err := client.Senders.Delete(t.Context(), sender.ID); err != nil {
		t.Error(err)
	}
	explained := must[*countersign.Explanation](t)(client.Routes.Explain(t.Context(), countersign.ExplainRoute{To: newNumber(t)}))
	if explained.Country == nil || *explained.Country != "PL" {
		t.Errorf("%+v", explained)
	}
	provider = must[*countersign.Provider](t)(client.Providers.Update(t.Context(), provider.ID, countersign.UpdateProvider{
		Rate: countersign.Null[int](), Enabled: countersign.Ptr(false),
	}))
	if provider.Rate != nil || provider.Enabled {
		t.Errorf("%+v", provider)
	}
}

// Each operation of the document has a method, but the page for browsers.
func TestEveryOperation(t *testing.T) {
	text := must[[]byte](t)(os.ReadFile(filepath.Join("..", "..", "..", "openapi", "openapi.json")))
	generated := string(must[[]byte](t)(os.ReadFile(filepath.Join("..", "generated.go"))))
	var document struct {
		Info  struct{ Version string }
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, methods := range document.Paths {
		for method, operation := range methods {
			count++
			leftOut := operation.OperationID == "read_docs" || operation.OperationID == "export_audit"
			if !leftOut && !strings.Contains(generated, `operation: "`+operation.OperationID+`", method: http.Method`+
				strings.ToUpper(method[:1])+method[1:]+`, path: "`+path+`"`) {
				t.Error("no method calls", method, path)
			}
		}
	}
	if count < 60 || document.Info.Version != countersign.Version {
		t.Error(count, document.Info.Version, countersign.Version)
	}
}
