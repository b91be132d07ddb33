# All pages.
skip = Skip to content
never-asks = Nobody who works for us will ever ask for your password or a code.
check-address = Check that the address bar says { $host }.
support = Need help?
support-short = Help:
notices = Notices
menu = Menu
close = Close
nav-main = Main
nav-home = Home
nav-access = Access
nav-ip-lists = IP lists
your-account = Your account:
your-account-label = Your account
role-owner = Owner
role-member = Member
tenant-change = Change company
tenant-other = Choose another company
mode-label = Data shown
mode-live = Live
mode-test = Test
test-data = Test data.
test-data-hint = Nothing here is sent to a phone.
test-back = Back to live
acting-as = You act as { $name }.
times-are = Times are { $zone }.
error-title = Error: { $title }
problem = There is a problem
optional = (optional)
crumbs = Where you are
continue = Continue
save = Save
keep = Keep it as it is
finish = Finish
try-again = Try again
not-now = Not now
older = Older
what-you-can-do = What you can do
sign-in = Sign in
sign-out = Sign out
go-home = Go to the first page
go-to-sign-in = Go to sign-in
back-to-sign-in = Back to sign-in
back-to-security = Back to your security
other-account = Start again with another account
other-language = Polski
other-language-tag = pl
copied = Copied
copy-all = Copy all
print-hint = Or print this page.
state = State
on = On
off = Off
since = since { $date }
session-ends = You will be signed out in two minutes, because nothing happens here.
typed-is-kept = What you typed is kept.
stay = Stay signed in
sign-out-now = Sign out now

# Times.
date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
date-and-time = { $date }, { $time }
today = today, { $time }
yesterday = yesterday, { $time }
tomorrow = tomorrow, { $time }
just-now = just now
minutes-ago = { $count ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
}
hours-ago = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

# Fields.
email = E-mail
password = Password
your-password = Your password
your-name = Your name
language = Language
language-hint = Of the portal, of mails and of messages to you.
zone = Time zone
zone-hint = All times are shown by its clock.
phone = Mobile number
phone-hint = With the country code. A landline cannot get an SMS.
password-choose = Choose a password
password-new = New password
password-current = Current password
password-rule-first = At least 8 characters with a capital letter and a digit. Not your name, address or company, and none that is common or known from a leak.
password-rule = At least 8 characters with a capital letter and a digit. Not one of your last 10, not your name, address or company, and none that is common or known from a leak.

# Sign-in.
sign-in-title = Sign in
sign-in-wrong = E-mail or password is wrong. Try again or set a new password.
sign-in-wait = Too many tries. Try again at { $time }, or set a new password.
sign-in-busy = Too many people sign in at this moment. Try again in a few seconds.
sign-in-unavailable = Sign-in does not work at this moment. Try again in a minute.
forgot-link = Forgot your password?
ended-idle = You were signed out because nothing happened for { $span }. What you typed is kept.
ended-total = You were signed out because a session lasts at most { $span }. What you typed is kept.
ended-elsewhere = You were signed out from another browser, or by somebody who manages your access.
ended-changed = You were signed out because your password or another part of your account was changed.

# The code.
code-title = Check your phone
code-label = Code from the message
code-hint = 6 digits. Spaces do not matter.
code-sent-until = We sent a code to { $number }. It works until { $time }. Older messages no longer work.
code-wrong = That is not the code. { $left ->
    [0] You have no more tries. Start again.
    [one] You have { $left } more try.
   *[other] You have { $left } more tries.
}
code-again = Send the code again
code-again-from = from { $time }
code-no-more = No more messages can be sent for this sign-in.
code-recovery = Use a recovery code
code-away = No message can be sent at this moment. A recovery code still signs you in.
code-try-send = Try to send the code

# Recovery codes.
recovery-title = Use a recovery code
recovery-lede = One of the ten codes that you stored when you added your phone. Each works once.
recovery-label = Recovery code
recovery-hint = 12 characters. Hyphens and capitals do not matter.
recovery-wrong = That is none of your recovery codes, or it was used before.
recovery-back = Back to the code by SMS
recovery-lost = Neither phone nor recovery codes?
recovery-lost-hint = An owner of your company can start a reset of your second factor, if it is your only company. Else ask the operator of this server: they run “countersign member reset-2fa”.
codes-title = Keep these recovery codes
codes-lede = When your phone is lost or has no signal, one of these signs you in instead of the SMS. Each works once. They are shown only now.
codes-label = { $count ->
    [one] { $count } recovery code
   *[other] { $count } recovery codes
}
codes-file = Save as a text file
codes-file-title = Recovery codes for { $host }
codes-file-made = Made on { $date }.
codes-file-use = Each code works once, in place of the code by SMS.
codes-stored = I have stored them in a safe place
codes-stored-hint = Not on the phone that gets the codes.
codes-left = { $count } of 10 left

# A forgotten password.
forgot-title = Set a new password
forgot-lede = We send a link to your address. It works for 30 minutes, and once.
forgot-button = Send me a link
forgot-sent-title = Look into your mail
forgot-sent-lede = If somebody signs in here with this address, a link is on its way.
forgot-sent-hint = Nothing there after some minutes? Look for it among the unwanted mails, or ask whom you know at your company: we send at most 3 links an hour.
reset-title = Choose a new password
reset-lede = It signs you out everywhere. Then you sign in with it, and with a code if you use one.
reset-button = Set the password
reset-hint = Your API keys go on as before.

# Links.
link-title = This link does not work
link-lede = Nothing has happened.
link-once = A link works once, and only for some time. Perhaps you used it already.
link-new = Ask for a new one where this one came from.
mail-hint = Nothing happens until you press the button.
mail-out-title = Sign out everywhere
mail-out-lede = Every browser that is signed in to your account now is signed out, and none is remembered.
mail-out-button = Sign out everywhere
mail-out-done = You are signed out everywhere. Set a new password if somebody else was signed in.
mail-confirm-title = Confirm your address
mail-confirm-lede = From then on you sign in with { $address }. Every other browser is signed out.
mail-confirm-button = Confirm the address
mail-confirm-done = Your address is { $address } now. Every other browser was signed out.
mail-undo-title = Put your address back
mail-undo-lede = Your address will be { $address } again, and every browser is signed out.
mail-undo-button = Put it back
mail-undo-done = Your address is { $address } again. Set a new password now.

# Set-up and invitation.
setup-title = Set up Countersign
setup-lede = You are the first. This account manages the whole server; you invite everybody else later.
setup-email-hint = For signing in and for notices.
setup-button = Create the account
invite-title = { $name } invites you to { $tenant }
invite-title-nameless = You are invited to { $tenant }
invite-by-operator = The people who run this server made the invitation.
invite-lede = For { $email }. The link works until { $until }, and once.
you-may = You may
invite-they-see = They see when you were last active here, and whether two-factor is on; nothing of your other companies.
invite-join = Join { $tenant }
invite-new = New here
invite-known = You sign in here already
invite-known-hint = With the address above, to another company on this server.
invite-sign-in = Sign in and join
invite-other = This browser is signed in with another address. Sign out first, then open the link again.
invite-phone-hint = This company asks everyone for a code by SMS at sign-in. We send the first one now.
invite-phone-failed = You have joined, but no code could be sent to that number. Type it again, or another one.
invite-unknown = You do not know who invites you? Close this page; nothing happens.

# Tenants.
tenants-title = Where to, { $name }?
tenants-lede = { $count ->
    [one] You belong to { $count } company.
   *[other] You belong to { $count } companies. You can change at any time, under your name.
}
tenants-hint = A company may ask for more as you enter: a code, a newer sign-in, another network.
tenants-none = You belong to no company at this moment. Ask whom you know there to invite you again.
refused-title = You cannot come in from this address
refused-lede = You are at { $address }. The company that you chose lets people in only from addresses on its list.
refused-network = Go to the office network or its VPN, then try again.
refused-ask = Ask the person who gave you access, and tell them the address above.

# A phone for codes.
phone-title = Add the phone that gets your codes
phone-change-title = Change the phone that gets your codes
phone-lede = From now on you sign in with your password and a code from an SMS. We send one now to see that it arrives.
phone-change-lede = We send a code to the new number to see that it arrives. The old number gets a message about the change.
phone-unavailable = No code can be sent yet: the operator of this server has set up no provider for the portal.
phone-demanded = Your company asks for this from { $date }
phone-code-title = Check that it arrives
phone-confirm = Confirm the number
phone-other = Use another number
phone-change = Change the number
send-me-a-code = Send me a code
step-of-three = Step { $step } of 3

# Proof.
proof-title = Is it you?
proof-why = This act asks for your password, then for a code if your phone is set up. That is for this act alone.
proof-right = Your password was right
proof-sent = We sent a code to { $number }. The message says: “{ $says }”. If it says something else, stop.
proof-code-hint = Works until { $until }, for this form as it is. Change something above, and we ask again.
proof-recovery = In place of the code, type one of your recovery codes.

# Acts of one button.
off-title = Turn two-factor off
off-lede = From then on the password alone signs you in.
off-fact-mail = You get a mail about it, and your phone a message.
off-fact-codes = Your recovery codes end.
off-fact-out = Other browsers are signed out.
off-button = Turn it off
off-open = Turn off…
new-codes-title = New recovery codes
new-codes-lede = You get ten new codes, shown once.
new-codes-fact-old = The codes that you have now no longer work.
new-codes-fact-out = Other browsers are signed out.
new-codes-button = Make new codes
new-codes-open = New recovery codes…
revoke-title = { $count ->
    [one] Stop your { $count } API key
   *[other] Stop all your { $count } API keys
}
revoke-lede = For the case that a secret has leaked.
revoke-fact-now = Requests with them are refused within 2 seconds.
revoke-fact-forever = This cannot be undone. New keys can be made at any time.
revoke-button = { $count ->
    [one] Stop { $count } key
   *[other] Stop { $count } keys
}
revoke-open = { $count ->
    [one] Stop my { $count } API key…
   *[other] Stop all my { $count } API keys…
}
trust-title = Trust { $name }
trust-lede = For a browser that only you use.
trust-fact = We send no mail when somebody signs in with your password from it. A new password ends the trust.
trust-button = Trust it
close-title = Close your account
close-lede = Your account is deleted from this server.
close-fact-tenants = You leave every company. As the last owner of one, you have to name another owner first.
close-fact-keys = API keys that only you govern end.
close-fact-forever = This cannot be undone.
close-button = Close my account
close-setting = Close the account
close-open = Close the account…
reset-2fa-title = Reset the second factor of { $name }
reset-2fa-lede = For a member who lost the phone and the recovery codes.
reset-2fa-fact-wait = It happens in 24 hours; until then it can be stopped.
reset-2fa-fact-mail = The member gets a mail about it now.
reset-2fa-fact-audit = The audit log keeps your name.
reset-2fa-button = Start the reset
reset-2fa-open = Reset the second factor…
reset-2fa-hint = It asks for your password, and happens after 24 hours.
reset-2fa-operator = No reset was started. The operator of this server can reset the second factor of this member.
reset-pending = The second factor of this member is reset { $when }.
reset-stop = Stop the reset
end-sessions-title = Sign out { $name }
end-sessions-lede = In this company. Other companies of the member are not touched.
end-sessions-fact = Every browser of the member is out with its next request. The member can sign in again.
end-sessions-button = Sign the member out
end-sessions-open = Sign out everywhere…

# The password.
password-title = Change your password
password-lede = Other browsers are signed out. Your API keys go on as before.
password-change = Change the password
password-keep = Keep the password
password-once-more = New password, once more
password-once-more-hint = The same as before. No page contains a password, so it has to be typed again.
password-forced-title = Time for a new password
password-forced-lede = { $days ->
    [one] Your company asks for a new one every { $days } day. Nothing else opens until then.
   *[other] Your company asks for a new one every { $days } days. Nothing else opens until then.
}
password-old = { $days ->
    [one] Your password is { $days } day old. Your company asks for a new one.
   *[other] Your password is { $days } days old. Your company asks for a new one.
}
password-age = Last changed { $when }.
password-and-keys = A new password signs out other browsers. API keys are not touched.

# The profile.
profile-title = Your profile
profile-lede = Yours alone. Companies see your name.
profile-you = You
profile-you-hint = How mails and pages speak to you.

# The address.
email-title = Change your e-mail address
email-lede = The new address gets a link, and changes when you open it. The old one can undo the change for 7 days.
email-current = Address now
email-new = New address
email-new-hint = The link to it works for 24 hours.
email-button = Send the link
email-keep = Keep the address
email-change = Change the address
email-pending = We sent a link to { $address }. It works until { $until }.
email-setting = E-mail address
email-setting-hint = For signing in and for notices.
new-device-hint = You get a mail on each attempt to sign in with your password from a browser that we do not know.

# Security.
security-title = Your security
security-lede = Yours alone. No company can change it.
security-tabs = Security
tab-you = You
tab-everyone = Everyone here
two-factor = Two-factor sign-in
two-factor-hint = After the password, a code by SMS.
two-factor-on = Turn it on
two-factor-proof = Changing or turning off asks for your password and a code.
two-factor-demanded = Your company asks everyone to have it on.
codes-go-to = Codes go to
recovery-codes = Recovery codes
session-setting = Session
session-hint = When you are signed out automatically. A note says so two minutes before, and what you typed is kept.
session-idle = Without activity
session-total = In all
session-most = Your company allows at most { $idle } without activity, and { $total } in all.

# Rules.
rules-title = Security rules
rules-lede = For everyone at { $tenant }. Only owners see this page.
rules-2fa = Second factor
rules-2fa-hint = Who must have a code by SMS.
rules-2fa-all = Everyone
rules-2fa-count = { $with } of { $members } have it. The others get a link by mail to add a phone.
rules-2fa-from = From this day
rules-2fa-from-hint = Empty: from now on.
rules-2fa-none = Each as they like
rules-2fa-unavailable = Nobody can be asked for a code yet: the operator of this server has set up no provider for the portal.
rules-age = Periodic password change
rules-age-hint = Some policies ask for it. A long password that is never reused does more.
rules-age-off = Off
rules-age-remind = Remind
rules-age-remind-hint = A band on top of each page, and one mail; it can be put off.
rules-age-force = Force
rules-age-force-hint = No other page opens until the password is changed.
rules-age-days = After so many days
rules-session = Longest session
rules-session-hint = Members may choose a shorter one.
rules-save = Save the rules

# The portal list.
list-title = Portal list
list-lede = From where your people may use this portal. An empty list means that it is off. It does not hold for API keys.
list-entries = Addresses
list-entries-hint = One a line: an address or a network such as 203.0.113.0/28, then what it is.
list-save = Save the list
list-covered = You are at { $address }, which the list covers.
list-not-covered = You are at { $address }, which the list does not cover.
list-off = You are at { $address }. The list is empty: every address may sign in.
lockout-title = This would lock you out
lockout-you = You are at { $address }, and the new list does not cover you.
lockout-names = These would be signed out with their next request: { $names }.
lockout-back = You could come back only from an address on the list. If no owner stayed inside, the change is refused. The operator of this server can clear the list.
lockout-keep = Keep the list
lockout-button = Save it and sign me out

# Devices.
devices-title = Devices and activity
devices-lede = Where you are signed in, and what happened with your account.
signed-in-now = Signed in now
signed-in-nowhere = Signed in nowhere.
this-browser = This browser
signed-in-at = signed in
active = active
first-seen = first seen on { $date }
end-session = Sign out
end-session-of = Sign out { $browser }
end-others = Sign out everywhere else
end-all = And here
known-browsers = Known browsers
known-browsers-hint = Browsers in which you finished a sign-in. A mail tells you of sign-ins from any other one.
known-none = No browser is remembered
known-none-hint = The next sign-in that you finish adds its browser.
trusted = Trusted
trust = Trust
trust-of = Trust { $browser }
untrust = End the trust
untrust-of = End the trust in { $browser }
forget = Forget
forget-of = Forget { $browser }
recent-activity = Recent activity
recent-activity-hint = The last 180 days.
activity-what = What
activity-outcome = Outcome
activity-device = Device
activity-from = From
activity-when = When
member-sign-ins-title = Sign-ins of { $name }
member-sign-ins-lede = What { $name } did to sign in to this company. Nothing of other companies.
sign-ins-here = Sign-ins here
sign-ins-here-hint = The last 180 days.
sign-ins-none = No sign-in yet.
member-2fa-on = This member signs in with a code by SMS.
member-2fa-off = This member signs in with the password alone.

# The first page.
home-title = Welcome, { $name }
home-lede = This is your company’s place in Countersign.
home-2fa = Your password alone protects this account.
home-2fa-why = With a code to your phone, a stolen password is of no use.
home-next = What you can do
home-security = Second factor, password, address, and when you are signed out
home-devices = Where you are signed in, and recent activity
home-profile = Name, language and time zone
home-rules = What everyone here has to have
home-list = From where people may sign in

# The end, and refusals.
signed-out-title = You are signed out
signed-out-lede = This browser has forgotten your session.
sign-in-again = Sign in again
unavailable-title = The portal does not answer at this moment
unavailable-sentence = Its database is out of reach. Try again in a minute; nothing that was saved is lost.
unavailable-hint = Codes to your customers go on being sent and checked.
missing-title = There is no such page
missing-sentence = It does not exist, or it is not open to you.
forbidden-title = This is not open to you
forbidden-sentence = Nothing has happened.
many-title = Too many requests
many-sentence = Wait a little, then try again.
stale-title = This form is from another sign-in
stale-sentence = Nothing has happened. Open the page again, and send it once more.
foreign-title = This did not come from our page
foreign-sentence = Another site sent this form, so nothing has happened.
request-title = This cannot be read
request-sentence = Nothing has happened. Open the page again.
failed-title = Something went wrong here
failed-sentence = The mistake is ours. Try again; if it stays, ask for help.

# What is wrong with a field.
email-unreadable = Write an e-mail address, such as ola@example.com.
name-unreadable = Write a name of 1 to 64 characters.
fault-short = Use at least 8 characters, and at most 256.
fault-capital = Use a capital letter.
fault-digit = Use a digit.
fault-known = Do not use your name, your address or the company’s name.
fault-guessable = This password is common or easy to guess. Use a longer one, such as three words and a number.
fault-former = You have used this password before, or it is longer than 256 characters. Choose another one.
code-over = This code does not work any more. Send another one.
code-wait = Another message can be sent from { $time }.

# What a member may do.
may-own = Decide about everything here, with whom you invite
may-send = Send codes
may-read = See verifications
may-see-numbers = See whole phone numbers
may-see-reports = See reports
may-set = Change settings
may-make-keys = Make API keys
may-change-members = Invite and change members
may-read-audit = Read the audit log
may-see-codes = See codes in clear text
may-pool = Send { $count ->
    [one] { $count } message part
   *[other] { $count } message parts
} a month
may-hours = Send only in the hours that were set for you

# What persons change of their own accounts.
proof-wrong = The password is wrong.
proof-wait = Too many wrong tries. The next one counts from { $time }.
proof-crowded = Many passwords are being compared at this moment. Try again in a few seconds.
proof-again = The form is another one than before, or ten minutes are over. Type your password again.
proof-recovery-wrong = That is none of your recovery codes.
proof-no-more = No more messages can be sent for this form. Type your password again.
proof-away = No message can be sent at this moment. Try again later.
password-done = Your password is changed. Other browsers are signed out.
off-done = Two-factor is off. The password alone signs you in.
phone-done = Codes go to the new number from now on.
phone-unreadable = Write a mobile number with its country code, such as +48 500 600 700.
phone-country = No codes go to this country.
phone-mail-title = Add a phone by the link in your mail
phone-mail-lede = Your company asks for a code by SMS after the password. A link to your address begins it, so that a stolen password alone cannot.
phone-mail-button = Send me the link
phone-mail-sent = The link is on its way. It works for 24 hours, in the browser in which you are signed in.
email-sent = We sent a link to { $address }. The address changes when you open it.
email-same = This is your address already.
email-often = Enough links were sent in this hour. Try again later.
saved = Saved.
choice-unknown = Choose one of the list.
close-last-owner = You are the last owner of a company. Name another owner first.
revoke-done = { $count ->
    [one] { $count } key is stopped.
   *[other] { $count } keys are stopped.
}
session-beyond = A session cannot be longer than the rules allow, and not idle for longer than it lasts in all.
end-others-done = All other browsers are signed out.
end-session-done = That browser is signed out.
trust-done = Sign-ins from this browser cause no mail.
untrust-done = The browser is not trusted any more.
forget-done = The browser is forgotten, and signed out.
end-sessions-done = The member is signed out in this company.
reset-2fa-done = The second factor is reset in 24 hours. The member has a mail.
reset-stopped = The reset is stopped.
list-unreadable = Line { $line } is no address or network, or the list is too long or has it twice.
list-all-out = No owner who is signed in now would be on this list, so it is not saved.
list-saved = The list is saved. The owners have a mail.
rules-saved = The rules are saved.
day-unreadable = Write a day, such as 2027-01-31.
days-unreadable = Write a number of days from 1 to 365.
outcome-done = Done
outcome-code-asked = Code asked for
outcome-wrong-password = Wrong password
outcome-wrong-code = Wrong code
outcome-wrong-recovery = Wrong recovery code
outcome-refused = Address not on the list
activity-sign-in = Sign-in
activity-enter = Company entered
activity-enters = Company entered, times: { $count }
activity-guesses = { $count ->
    [one] { $count } try
   *[other] { $count } tries
}
