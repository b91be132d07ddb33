# Mails and SMS to persons. The names of persons and tenants come from outside.
mail-hello = Hello { $name },
mail-hello-nameless = Hello,
mail-time = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
} { mail-date }, { $clock } ({ $zone })
mail-date = { $day } { $month ->
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
mail-fact = { $label }:
mail-when = When
mail-from = From
mail-browser = Browser
mail-browser-on = { $browser } on { $os }
mail-you = It was you
mail-not-you = It was not you
mail-nothing-to-do = Then there is nothing to do.
mail-save-account = Open { $host } yourself, sign in, and choose another password under Your security. If you cannot sign in, choose “Forgot your password?” there.
mail-one-button = The link opens a page with one button. It works until { $until } and once.
mail-works-until = The link works until { $until }, and once.
mail-owner = You get this mail because you are an owner of { $tenant }.
mail-never-asks = Nobody who works for us will ever ask for your password or a code.
mail-links-lead = Links in our mails lead to { $host } and nowhere else.
mail-questions = Questions?

invitation-subject = { $name } invites you to { $tenant }
invitation-subject-nameless = You are invited to { $tenant }
invitation-by-operator = We run the server that the company uses, and invite you on its behalf.
invitation-text = You would sign in to the portal where { $tenant } sees how its SMS codes are doing.
invitation-button = Accept the invitation
invitation-unexpected = You do not know who invites you, or did not expect this? Then leave this mail alone; nothing happens, and no account is made.

new-device-subject = Somebody typed your password on a new device
new-device-halfway = The password was right. Without the code that we send to your phone, nobody gets in.
new-device-finished = The password was right, and the sign-in is complete.
new-device-trust = Then there is nothing to do. Mark the browser as trusted under Devices and activity, and we stop telling you about it.
new-device-not-you = Somebody knows your password. End all sessions now, then choose another password. Do not give a code to anybody.
new-device-button = Sign out everywhere
new-device-password = To choose another password, open { $host } yourself and go to Your security.

password-changed-subject = Your password was changed
password-changed-text = The password of your account was changed, and other browsers were signed out. Keys of the API work as before.

reset-password-subject = Set a new password
reset-password-text = Somebody, we hope you, asked to set a new password for your account.
reset-password-button = Set a new password
reset-password-unexpected = You did not ask for this? Then leave this mail alone; your password stays as it is.

two-factor-on-subject = Two-factor sign-in is on
two-factor-on-text = From now on, signing in takes your password and a code that we send to your phone. Keep your recovery codes in a safe place: they let you in when the phone is lost.

two-factor-off-subject = Two-factor sign-in is off
two-factor-off-person = Two-factor sign-in of your account was switched off in the portal. From now on your password alone lets you in.
two-factor-off-owner = An owner of your company switched two-factor sign-in of your account off. From now on your password alone lets you in.
two-factor-off-operator = We switched two-factor sign-in of your account off. From now on your password alone lets you in.
two-factor-off-again = Switch it on again under Your security, as soon as you have a phone at hand.

number-changed-subject = Codes go to another phone number
number-changed-text = Codes to sign in now go to the number that ends with { $digits }.

recovery-code-used-subject = A recovery code was used
recovery-code-used-text = Somebody signed in to your account with a recovery code in place of a code by SMS. { $left ->
    [0] No recovery code is left.
    [one] One recovery code is left.
   *[other] { $left } recovery codes are left.
}
recovery-code-used-you = Have you lost your phone? Add another number under Your security, and make new recovery codes.

recovery-codes-made-subject = You have new recovery codes
recovery-codes-made-text = New recovery codes were made for your account. The former ones no longer work.

confirm-address-subject = Confirm your new e-mail address
confirm-address-text = Somebody, we hope you, wants to sign in with this address from now on.
confirm-address-button = Confirm this address
confirm-address-unexpected = You did not ask for this? Then leave this mail alone; nothing happens.

address-changing-subject = Your e-mail address is being changed
address-changing-text = The address of your account is being changed to { $address }. Once the new address is confirmed, our mails go there, and you sign in with it.
address-changing-button = Keep the present address

address-restored-subject = Your former e-mail address is back
address-restored-text = Somebody pressed the link in our mail to this address. You sign in with this address again, and every browser was signed out. The person who changed it knew your password: choose another one now.

address-left-subject = You no longer sign in with this e-mail address
address-left-text = The change of an account to this address was undone from the former address. This address belongs to no account with us now, and every browser of that account was signed out.

address-set-subject = We changed your e-mail address
address-set-text = We, who run this server, changed the address of your account to { $address }. You sign in with it from now on, and every browser was signed out.
by-operator-unexpected = You did not ask us for it? Then write to us, or call us.

signed-out-subject = We signed you out everywhere
signed-out-text = We, who run this server, signed you out in every browser, and none is known as yours now. Your password is the same as before.

enrol-two-factor-subject = { $tenant } asks you to switch on two-factor sign-in
enrol-two-factor-text = You can enter the portal of { $tenant } only with a second factor: a code that we send to your phone. Have your phone at hand.
enrol-two-factor-button = Switch on two-factor sign-in
enrol-two-factor-unexpected = You did not just try to sign in? Then somebody knows your password: choose another one.

two-factor-reset-started-subject = Your two-factor sign-in is going to be switched off
two-factor-reset-started-text = An owner of { $tenant } says that you have lost your phone. From { $time } on, your password alone lets you in, until you add a phone again.
two-factor-reset-started-you = Then there is nothing to do but wait.
two-factor-reset-started-not-you = You still have your phone? Sign out everywhere: that also stops the reset.

password-old-subject = Your password is { $days ->
    [one] one day
   *[other] { $days } days
} old
password-old-remind = Your company asks you to choose another password from time to time. You can do it now: open { $host } yourself and go to Your security.
password-old-force = Your company asks you to choose another password before you go on. The portal asks for it at your next sign-in: open { $host } yourself.

new-owner-subject = { $name } is now an owner of { $tenant }
new-owner-text = An owner may do everything in { $tenant }, and may make others owners. If nobody of you wanted this, take the role away under Members.

member-two-factor-off-subject = { $name } of { $tenant } signs in without a second factor
member-two-factor-off-text = Two-factor sign-in of { $name } was switched off. From now on the password alone lets this person in to { $tenant }.

list-changed-subject-api = The API’s list of addresses was changed at { $tenant }
list-changed-subject-portal = The portal’s list of addresses was changed at { $tenant }
list-changed-by = { $name } changed the list of addresses from which { $tenant } can be reached.
list-changed-operator = We changed the list of addresses from which { $tenant } can be reached.
list-changed-look = See under IP lists whether it is right.

codes-reveal-granted-subject = { $name } may now see codes of { $tenant }
codes-reveal-granted-text = { $name } was given the right to see codes (codes:reveal). Who sees a code can take the place of an end user. If nobody of you wanted this, take the right away.

pool-at-80-subject = { $name } has used 80 % of the monthly messages
pool-at-80-text = { $name } of { $tenant } has used { $used } of { $of } parts of messages of this month. When all are used, starts by this member are refused until the month ends, or until you raise the limit under Members.

sms-number-changed = Countersign: codes to sign in no longer go to this number. You did not do this? Sign in at { $host } and look at Your security.
sms-two-factor-off = Countersign: two-factor sign-in of your account was switched off. You did not do this? Sign in at { $host } and change your password.
