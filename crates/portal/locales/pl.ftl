# Wszystkie strony.
skip = Przejdź do treści
never-asks = Nikt, kto u nas pracuje, nigdy nie zapyta cię o hasło ani o kod.
check-address = Sprawdź, czy adres w przeglądarce to { $host }.
support = Potrzebujesz pomocy?
support-short = Pomoc:
notices = Uwagi
menu = Menu
close = Zamknij
nav-main = Główna nawigacja
nav-home = Start
nav-access = Dostęp
nav-ip-lists = Listy IP
your-account = Twoje konto:
your-account-label = Twoje konto
role-owner = Właściciel
role-member = Członek
tenant-change = Zmień firmę
tenant-other = Wybierz inną firmę
mode-label = Pokazywane dane
mode-live = Na żywo
mode-test = Testowe
test-data = Dane testowe.
test-data-hint = Nic stąd nie trafia na telefon.
test-back = Wróć do prawdziwych
acting-as = Działasz jako { $name }.
times-are = Godziny według strefy { $zone }.
error-title = Błąd: { $title }
problem = Coś się nie zgadza
optional = (nieobowiązkowe)
crumbs = Gdzie jesteś
continue = Dalej
save = Zapisz
keep = Zostaw, jak jest
finish = Zakończ
try-again = Spróbuj jeszcze raz
not-now = Nie teraz
older = Starsze
what-you-can-do = Co możesz zrobić
sign-in = Zaloguj się
sign-out = Wyloguj się
go-home = Przejdź do strony startowej
go-to-sign-in = Przejdź do logowania
back-to-sign-in = Wróć do logowania
back-to-security = Wróć do swoich zabezpieczeń
other-account = Zacznij od nowa z innym kontem
other-language = English
other-language-tag = en
copied = Skopiowano
copy-all = Skopiuj wszystkie
print-hint = Możesz też wydrukować tę stronę.
state = Stan
on = Włączone
off = Wyłączone
since = od { $date }
session-ends = Za dwie minuty nastąpi wylogowanie, bo nic się tu nie dzieje.
typed-is-kept = Wpisany tekst zachowamy.
stay = Zostań
sign-out-now = Wyloguj się teraz

# Czas.
date = { $day } { $month ->
    [1] stycznia
    [2] lutego
    [3] marca
    [4] kwietnia
    [5] maja
    [6] czerwca
    [7] lipca
    [8] sierpnia
    [9] września
    [10] października
    [11] listopada
   *[12] grudnia
} { $year }
date-and-time = { $date }, { $time }
today = dziś, { $time }
yesterday = wczoraj, { $time }
tomorrow = jutro, { $time }
just-now = przed chwilą
minutes-ago = { $count ->
    [one] { $count } minutę temu
    [few] { $count } minuty temu
   *[many] { $count } minut temu
}
hours-ago = { $count ->
    [one] { $count } godzinę temu
    [few] { $count } godziny temu
   *[many] { $count } godzin temu
}
minutes = { $count ->
    [one] { $count } minuta
    [few] { $count } minuty
   *[many] { $count } minut
}
hours = { $count ->
    [one] { $count } godzina
    [few] { $count } godziny
   *[many] { $count } godzin
}
days = { $count ->
    [one] { $count } dzień
   *[many] { $count } dni
}

# Pola.
email = E-mail
password = Hasło
your-password = Twoje hasło
your-name = Imię i nazwisko
language = Język
language-hint = Portalu oraz maili i wiadomości do Ciebie.
zone = Strefa czasowa
zone-hint = Według niej pokazujemy wszystkie godziny.
phone = Numer komórkowy
phone-hint = Z numerem kierunkowym kraju. Telefon stacjonarny nie odbierze SMS-a.
password-choose = Wybierz hasło
password-new = Nowe hasło
password-current = Obecne hasło
password-rule-first = Co najmniej 8 znaków, w tym wielka litera i cyfra. Nie Twoje nazwisko, adres ani nazwa firmy i nie hasło popularne lub znane z wycieku.
password-rule = Co najmniej 8 znaków, w tym wielka litera i cyfra. Żadne z 10 ostatnich, nie Twoje nazwisko, adres ani nazwa firmy i nie hasło popularne lub znane z wycieku.

# Logowanie.
sign-in-title = Zaloguj się
sign-in-wrong = E-mail lub hasło są nieprawidłowe. Spróbuj jeszcze raz albo ustaw nowe hasło.
sign-in-wait = Za dużo prób. Spróbuj o { $time } albo ustaw nowe hasło.
sign-in-busy = W tej chwili loguje się zbyt wiele osób. Spróbuj za kilka sekund.
sign-in-unavailable = Logowanie w tej chwili nie działa. Spróbuj za minutę.
forgot-link = Nie pamiętasz hasła?
ended-idle = Nastąpiło wylogowanie, bo przez ten czas nic się nie działo: { $span }. Wpisany tekst jest zachowany.
ended-total = Nastąpiło wylogowanie, bo minął najdłuższy czas sesji: { $span }. Wpisany tekst jest zachowany.
ended-elsewhere = Wylogowano Cię w innej przeglądarce albo zrobiła to osoba, która zarządza Twoim dostępem.
ended-changed = Nastąpiło wylogowanie, bo zmieniło się hasło lub inna część Twojego konta.

# Kod.
code-title = Sprawdź telefon
code-label = Kod z wiadomości
code-hint = 6 cyfr. Odstępy nie mają znaczenia.
code-sent-until = Wysłaliśmy kod na numer { $number }. Działa do { $time }. Starsze wiadomości już nie działają.
code-wrong = To nie ten kod. { $left ->
    [0] Nie masz już prób. Zacznij od nowa.
    [one] Została Ci { $left } próba.
    [few] Zostały Ci { $left } próby.
   *[many] Zostało Ci { $left } prób.
}
code-again = Wyślij kod jeszcze raz
code-again-from = od { $time }
code-no-more = Przy tym logowaniu nie można już wysłać kolejnej wiadomości.
code-recovery = Użyj kodu zapasowego
code-away = W tej chwili nie można wysłać wiadomości. Kod zapasowy nadal działa.
code-try-send = Spróbuj wysłać kod

# Kody zapasowe.
recovery-title = Użyj kodu zapasowego
recovery-lede = To jeden z dziesięciu kodów zachowanych przy dodaniu telefonu. Każdy działa raz.
recovery-label = Kod zapasowy
recovery-hint = 12 znaków. Łączniki i wielkość liter nie mają znaczenia.
recovery-wrong = To nie jest żaden z Twoich kodów zapasowych albo kod został już użyty.
recovery-back = Wróć do kodu z SMS-a
recovery-lost = Nie masz ani telefonu, ani kodów zapasowych?
recovery-lost-hint = Jeśli należysz tylko do jednej firmy, jej właściciel może rozpocząć usuwanie drugiego składnika. W innym przypadku poproś operatora tego serwera: służy do tego polecenie „countersign member reset-2fa”.
codes-title = Zachowaj te kody zapasowe
codes-lede = Gdy zgubisz telefon albo nie będzie zasięgu, zalogujesz się jednym z nich zamiast SMS-a. Każdy działa raz. Widać je tylko teraz.
codes-label = { $count ->
    [one] { $count } kod zapasowy
    [few] { $count } kody zapasowe
   *[many] { $count } kodów zapasowych
}
codes-file = Zapisz w pliku tekstowym
codes-file-title = Kody zapasowe do { $host }
codes-file-made = Utworzone { $date }.
codes-file-use = Każdy kod działa raz, zamiast kodu z SMS-a.
codes-stored = Są zachowane w bezpiecznym miejscu
codes-stored-hint = Nie w telefonie, na który przychodzą kody.
codes-left = Zostało { $count } z 10

# Zapomniane hasło.
forgot-title = Ustaw nowe hasło
forgot-lede = Wyślemy link na Twój adres. Działa 30 minut i tylko raz.
forgot-button = Wyślij mi link
forgot-sent-title = Zajrzyj do poczty
forgot-sent-lede = Jeśli ktoś loguje się tu z tym adresem, link jest już w drodze.
forgot-sent-hint = Po kilku minutach nic nie ma? Zajrzyj do niechcianych wiadomości albo zapytaj w swojej firmie: wysyłamy najwyżej 3 linki na godzinę.
reset-title = Wybierz nowe hasło
reset-lede = Nastąpi wylogowanie ze wszystkich przeglądarek. Potem zalogujesz się nowym hasłem oraz kodem, jeśli go używasz.
reset-button = Ustaw hasło
reset-hint = Twoje klucze API działają jak dotąd.

# Linki.
link-title = Ten link nie działa
link-lede = Nic się nie stało.
link-once = Link działa raz i tylko przez pewien czas. Być może został już użyty.
link-new = Poproś o nowy tam, skąd przyszedł ten.
mail-hint = Nic się nie stanie, dopóki nie naciśniesz przycisku.
mail-out-title = Wyloguj się wszędzie
mail-out-lede = Każda przeglądarka zalogowana teraz na Twoje konto zostanie wylogowana i żadna nie zostanie zapamiętana.
mail-out-button = Wyloguj wszędzie
mail-out-done = Wszystkie przeglądarki są wylogowane. Jeśli zalogował się ktoś inny, ustaw nowe hasło.
mail-confirm-title = Potwierdź adres
mail-confirm-lede = Odtąd będziesz logować się z adresem { $address }. Wszystkie inne przeglądarki zostaną wylogowane.
mail-confirm-button = Potwierdź adres
mail-confirm-done = Twój adres to teraz { $address }. Wszystkie inne przeglądarki zostały wylogowane.
mail-undo-title = Przywróć poprzedni adres
mail-undo-lede = Twoim adresem znów będzie { $address }, a wszystkie przeglądarki zostaną wylogowane.
mail-undo-button = Przywróć adres
mail-undo-done = Twój adres to znów { $address }. Ustaw teraz nowe hasło.

# Początek i zaproszenie.
setup-title = Uruchom Countersign
setup-lede = Jesteś pierwszą osobą. To konto zarządza całym serwerem; pozostałe osoby zaprosisz później.
setup-email-hint = Do logowania i powiadomień.
setup-button = Załóż konto
invite-title = { $name } zaprasza Cię do firmy { $tenant }
invite-title-nameless = Zaproszenie do firmy { $tenant }
invite-by-operator = Zaproszenie przygotowały osoby, które prowadzą ten serwer.
invite-lede = Dla { $email }. Link działa do { $until } i tylko raz.
you-may = Możesz
invite-they-see = Firma widzi, kiedy ostatnio tu działasz i czy logujesz się z kodem; niczego o innych Twoich firmach.
invite-join = Dołącz do { $tenant }
invite-new = Pierwszy raz tutaj
invite-known = Masz już tu konto
invite-known-hint = Z powyższym adresem, w innej firmie na tym serwerze.
invite-sign-in = Zaloguj się i dołącz
invite-other = W tej przeglądarce jest zalogowany inny adres. Najpierw się wyloguj, potem otwórz link jeszcze raz.
invite-phone-hint = Ta firma prosi wszystkich o kod z SMS-a przy logowaniu. Pierwszy wyślemy teraz.
invite-phone-failed = Konto jest gotowe, ale na ten numer nie udało się wysłać kodu. Wpisz go jeszcze raz albo podaj inny.
invite-unknown = Nie wiesz, kto Cię zaprasza? Zamknij tę stronę; nic się nie stanie.

# Firmy.
tenants-title = Dokąd, { $name }?
tenants-lede = { $count ->
    [one] Należysz do { $count } firmy.
   *[many] Należysz do { $count } firm. Firmę możesz zmienić w każdej chwili pod swoim nazwiskiem.
}
tenants-hint = Przy wejściu firma może poprosić o więcej: o kod, nowsze logowanie, inną sieć.
tenants-none = W tej chwili nie należysz do żadnej firmy. Poproś o nowe zaproszenie.
refused-title = Z tego adresu nie można wejść
refused-lede = Twój adres to { $address }. Wybrana firma wpuszcza tylko z adresów ze swojej listy.
refused-network = Połącz się z siecią biura albo jej VPN-em i spróbuj jeszcze raz.
refused-ask = Zapytaj osobę, od której masz dostęp, i podaj jej powyższy adres.

# Telefon na kody.
phone-title = Dodaj telefon, na który przyjdą kody
phone-change-title = Zmień telefon, na który przychodzą kody
phone-lede = Odtąd do logowania potrzebne będą hasło i kod z SMS-a. Pierwszy wyślemy teraz, żeby sprawdzić, czy dochodzi.
phone-change-lede = Wyślemy kod na nowy numer, żeby sprawdzić, czy dochodzi. Na stary numer przyjdzie wiadomość o zmianie.
phone-unavailable = Nie można jeszcze wysyłać kodów: operator tego serwera nie ustawił dostawcy dla portalu.
phone-demanded = Twoja firma wymaga tego od { $date }
phone-code-title = Sprawdź, czy dochodzi
phone-confirm = Potwierdź numer
phone-other = Podaj inny numer
phone-change = Zmień numer
send-me-a-code = Wyślij mi kod
step-of-three = Krok { $step } z 3

# Potwierdzenie.
proof-title = Czy to Ty?
proof-why = Do tej czynności potrzebne jest hasło, a potem kod, jeśli masz dodany telefon. Dotyczy to tylko jej.
proof-right = Hasło się zgadza
proof-sent = Wysłaliśmy kod na numer { $number }. W wiadomości jest: „{ $says }”. Jeśli jest coś innego, przerwij.
proof-code-hint = Działa do { $until } i tylko dla tego formularza. Jeśli coś w nim zmienisz, zapytamy ponownie.
proof-recovery = Zamiast kodu z SMS-a wpisz jeden ze swoich kodów zapasowych.

# Czynności jednego przycisku.
off-title = Wyłącz logowanie z kodem
off-lede = Odtąd do zalogowania wystarczy samo hasło.
off-fact-mail = Dostaniesz o tym maila, a na telefon wiadomość.
off-fact-codes = Kody zapasowe przestaną działać.
off-fact-out = Inne przeglądarki zostaną wylogowane.
off-button = Wyłącz
off-open = Wyłącz…
new-codes-title = Nowe kody zapasowe
new-codes-lede = Dostaniesz dziesięć nowych kodów, widocznych raz.
new-codes-fact-old = Obecne kody przestaną działać.
new-codes-fact-out = Inne przeglądarki zostaną wylogowane.
new-codes-button = Utwórz nowe kody
new-codes-open = Nowe kody zapasowe…
revoke-title = { $count ->
    [one] Zatrzymaj swój { $count } klucz API
    [few] Zatrzymaj wszystkie swoje { $count } klucze API
   *[many] Zatrzymaj wszystkie swoje klucze API ({ $count })
}
revoke-lede = Na wypadek, gdy wyciekł sekret.
revoke-fact-now = Żądania z tymi kluczami zostaną odrzucone w ciągu 2 sekund.
revoke-fact-forever = Tego nie można cofnąć. Nowe klucze można utworzyć w każdej chwili.
revoke-button = { $count ->
    [one] Zatrzymaj { $count } klucz
    [few] Zatrzymaj { $count } klucze
   *[many] Zatrzymaj { $count } kluczy
}
revoke-open = { $count ->
    [one] Zatrzymaj mój { $count } klucz API…
    [few] Zatrzymaj wszystkie moje { $count } klucze API…
   *[many] Zatrzymaj wszystkie moje klucze API ({ $count })…
}
trust-title = Zaufaj przeglądarce { $name }
trust-lede = Dla przeglądarki, z której korzystasz tylko Ty.
trust-fact = Nie wyślemy maila, gdy ktoś zaloguje się z niej Twoim hasłem. Nowe hasło kończy zaufanie.
trust-button = Zaufaj
close-title = Zamknij swoje konto
close-lede = Twoje konto zostanie usunięte z tego serwera.
close-fact-tenants = Opuścisz wszystkie firmy. Jako ostatni właściciel firmy musisz najpierw wskazać innego.
close-fact-keys = Klucze API, którymi zarządzasz tylko Ty, przestaną działać.
close-fact-forever = Tego nie można cofnąć.
close-button = Zamknij moje konto
close-setting = Zamknięcie konta
close-open = Zamknij konto…
reset-2fa-title = Usuń drugi składnik: { $name }
reset-2fa-lede = Dla członka, który stracił telefon i kody zapasowe.
reset-2fa-fact-wait = Stanie się to za 24 godziny; do tego czasu można to zatrzymać.
reset-2fa-fact-mail = Członek dostanie teraz maila.
reset-2fa-fact-audit = W dzienniku audytu zostanie Twoje nazwisko.
reset-2fa-button = Rozpocznij usuwanie
reset-2fa-open = Usuń drugi składnik…
reset-2fa-hint = Zapytamy o hasło, a samo usunięcie nastąpi po 24 godzinach.
reset-2fa-operator = Usuwanie się nie rozpoczęło. Drugi składnik tego członka może usunąć operator tego serwera.
reset-pending = Drugi składnik tego członka zostanie usunięty { $when }.
reset-stop = Zatrzymaj usuwanie
end-sessions-title = Wyloguj: { $name }
end-sessions-lede = W tej firmie. Innych firm tego członka to nie dotyczy.
end-sessions-fact = Każda przeglądarka tego członka zostanie wylogowana przy następnym żądaniu. Członek może zalogować się ponownie.
end-sessions-button = Wyloguj członka
end-sessions-open = Wyloguj wszędzie…

# Hasło.
password-title = Zmień hasło
password-lede = Inne przeglądarki zostaną wylogowane. Twoje klucze API działają jak dotąd.
password-change = Zmień hasło
password-keep = Zostaw hasło
password-once-more = Nowe hasło jeszcze raz
password-once-more-hint = Takie samo jak przed chwilą. Żadna strona nie zawiera hasła, więc trzeba je wpisać ponownie.
password-forced-title = Czas na nowe hasło
password-forced-lede = { $days ->
    [one] Twoja firma wymaga nowego hasła co { $days } dzień. Do tego czasu nic innego się nie otworzy.
   *[many] Twoja firma wymaga nowego hasła co { $days } dni. Do tego czasu nic innego się nie otworzy.
}
password-old = { $days ->
    [one] Twoje hasło ma { $days } dzień. Firma prosi o nowe.
   *[many] Twoje hasło ma { $days } dni. Firma prosi o nowe.
}
password-age = Ostatnia zmiana: { $when }.
password-and-keys = Nowe hasło wylogowuje inne przeglądarki. Kluczy API nie dotyczy.

# Profil.
profile-title = Twój profil
profile-lede = Tylko Twój. Firmy widzą Twoje nazwisko.
profile-you = Ty
profile-you-hint = Jak zwracają się do Ciebie maile i strony.

# Adres.
email-title = Zmień adres e-mail
email-lede = Nowy adres dostanie link i zmieni się po jego otwarciu. Stary może cofnąć zmianę przez 7 dni.
email-current = Obecny adres
email-new = Nowy adres
email-new-hint = Link, który na niego wyślemy, działa 24 godziny.
email-button = Wyślij link
email-keep = Zostaw adres
email-change = Zmień adres
email-pending = Wysłaliśmy link na adres { $address }. Działa do { $until }.
email-setting = Adres e-mail
email-setting-hint = Do logowania i powiadomień.
new-device-hint = Dostajesz maila przy każdej próbie logowania Twoim hasłem z przeglądarki, której nie znamy.

# Zabezpieczenia.
security-title = Twoje zabezpieczenia
security-lede = Tylko Twoje. Żadna firma nie może ich zmienić.
security-tabs = Zabezpieczenia
tab-you = Ty
tab-everyone = Wszyscy w firmie
two-factor = Logowanie z kodem
two-factor-hint = Po haśle kod z SMS-a.
two-factor-on = Włącz
two-factor-proof = Zmiana i wyłączenie wymagają hasła i kodu.
two-factor-demanded = Twoja firma wymaga tego od wszystkich.
codes-go-to = Kody idą na
recovery-codes = Kody zapasowe
session-setting = Sesja
session-hint = Kiedy nastąpi samoczynne wylogowanie. Dwie minuty wcześniej pojawi się uwaga, a wpisany tekst zachowamy.
session-idle = Bez aktywności
session-total = Łącznie
session-most = Najdłużej w Twojej firmie: bez aktywności { $idle }, łącznie { $total }.

# Zasady.
rules-title = Zasady bezpieczeństwa
rules-lede = Dla wszystkich w firmie { $tenant }. Tę stronę widzą tylko właściciele.
rules-2fa = Drugi składnik
rules-2fa-hint = Kto musi podawać kod z SMS-a.
rules-2fa-all = Wszyscy
rules-2fa-count = Mają go { $with } z { $members }. Pozostałe osoby dostaną mailem link do dodania telefonu.
rules-2fa-from = Od tego dnia
rules-2fa-from-hint = Puste: od razu.
rules-2fa-none = Każdy według uznania
rules-2fa-unavailable = Nie można jeszcze wymagać kodów: operator tego serwera nie ustawił dostawcy dla portalu.
rules-age = Okresowa zmiana hasła
rules-age-hint = Wymagają jej niektóre przepisy. Więcej daje długie hasło, którego nie używasz nigdzie indziej.
rules-age-off = Wyłączona
rules-age-remind = Przypominaj
rules-age-remind-hint = Pasek u góry każdej strony i jeden mail; zmianę można odłożyć.
rules-age-force = Wymuszaj
rules-age-force-hint = Do zmiany hasła nie otworzy się żadna inna strona.
rules-age-days = Po tylu dniach
rules-session = Najdłuższa sesja
rules-session-hint = Członkowie mogą wybrać krótszą.
rules-save = Zapisz zasady

# Lista portalu.
list-title = Lista portalu
list-lede = Skąd członkowie firmy mogą korzystać z tego portalu. Pusta lista oznacza, że jest wyłączona. Kluczy API nie dotyczy.
list-entries = Adresy
list-entries-hint = W każdym wierszu jeden: adres lub sieć, na przykład 203.0.113.0/28, a po nim opis.
list-save = Zapisz listę
list-covered = Twój adres to { $address } i lista go obejmuje.
list-not-covered = Twój adres to { $address } i lista go nie obejmuje.
list-off = Twój adres to { $address }. Lista jest pusta: logować się można z każdego adresu.
lockout-title = Ta zmiana odcięłaby Ciebie
lockout-you = Twój adres to { $address }, a nowa lista go nie obejmuje.
lockout-names = Przy następnym żądaniu wylogowani zostaną: { $names }.
lockout-back = Wrócić można by tylko z adresu na liście. Gdyby w środku nie został żaden właściciel, zmiana zostanie odrzucona. Operator tego serwera może wyczyścić listę.
lockout-keep = Zostaw listę
lockout-button = Zapisz i wyloguj mnie

# Urządzenia.
devices-title = Urządzenia i aktywność
devices-lede = Gdzie jesteś teraz na swoim koncie i co się z nim działo.
signed-in-now = Zalogowane teraz
signed-in-nowhere = Nigdzie.
this-browser = Ta przeglądarka
signed-in-at = zalogowano
active = ostatnio
first-seen = pierwszy raz { $date }
end-session = Wyloguj
end-session-of = Wyloguj { $browser }
end-others = Wyloguj wszędzie indziej
end-all = Tutaj też
known-browsers = Znane przeglądarki
known-browsers-hint = Przeglądarki, w których udało Ci się zalogować. O logowaniu z każdej innej dostaniesz maila.
known-none = Żadna przeglądarka nie jest zapamiętana
known-none-hint = Doda ją następne udane logowanie.
trusted = Zaufana
trust = Zaufaj
trust-of = Zaufaj: { $browser }
untrust = Zakończ zaufanie
untrust-of = Zakończ zaufanie: { $browser }
forget = Zapomnij
forget-of = Zapomnij: { $browser }
recent-activity = Ostatnia aktywność
recent-activity-hint = Z ostatnich 180 dni.
activity-what = Co
activity-outcome = Wynik
activity-device = Urządzenie
activity-from = Skąd
activity-when = Kiedy
member-sign-ins-title = Logowania: { $name }
member-sign-ins-lede = Logowania do tej firmy: { $name }. Nic z innych firm.
sign-ins-here = Logowania tutaj
sign-ins-here-hint = Z ostatnich 180 dni.
sign-ins-none = Nie było jeszcze żadnego logowania.
member-2fa-on = Ten członek loguje się z kodem z SMS-a.
member-2fa-off = Ten członek loguje się samym hasłem.

# Strona startowa.
home-title = Witaj, { $name }
home-lede = To miejsce Twojej firmy w Countersign.
home-2fa = Twoje konto chroni samo hasło.
home-2fa-why = Z kodem na telefon skradzione hasło na nic się nie przyda.
home-next = Co możesz zrobić
home-security = Drugi składnik, hasło, adres i czas sesji
home-devices = Gdzie trwa logowanie i co się ostatnio działo
home-profile = Nazwisko, język i strefa czasowa
home-rules = Co obowiązuje wszystkich w firmie
home-list = Skąd można się logować

# Koniec i odmowy.
signed-out-title = Wylogowano
signed-out-lede = Twoja sesja w tej przeglądarce się zakończyła.
sign-in-again = Zaloguj się ponownie
unavailable-title = Portal w tej chwili nie odpowiada
unavailable-sentence = Jego baza danych jest niedostępna. Spróbuj za minutę; nic, co zapisano, nie przepadło.
unavailable-hint = Kody dla Twoich klientów nadal są wysyłane i sprawdzane.
missing-title = Nie ma takiej strony
missing-sentence = Nie istnieje albo nie jest dla Ciebie otwarta.
forbidden-title = To nie jest dla Ciebie otwarte
forbidden-sentence = Nic się nie stało.
many-title = Za dużo żądań
many-sentence = Poczekaj chwilę i spróbuj jeszcze raz.
stale-title = Ten formularz jest z innego logowania
stale-sentence = Nic się nie stało. Otwórz stronę jeszcze raz i wyślij formularz ponownie.
foreign-title = To nie przyszło z naszej strony
foreign-sentence = Formularz wysłała inna strona, więc nic się nie stało.
request-title = Tego nie da się odczytać
request-sentence = Nic się nie stało. Otwórz stronę jeszcze raz.
failed-title = Coś się tu nie udało
failed-sentence = To nasz błąd. Spróbuj jeszcze raz; jeśli to nie minie, poproś o pomoc.

# Co jest nie tak z polem.
email-unreadable = Wpisz adres e-mail, na przykład ola@example.com.
name-unreadable = Wpisz imię i nazwisko: od 1 do 64 znaków.
fault-short = Użyj co najmniej 8 i najwyżej 256 znaków.
fault-capital = Użyj wielkiej litery.
fault-digit = Użyj cyfry.
fault-known = Nie używaj swojego imienia, adresu ani nazwy firmy.
fault-guessable = To hasło jest popularne albo łatwe do odgadnięcia. Użyj dłuższego, na przykład trzech słów i liczby.
fault-former = To hasło było już używane albo ma więcej niż 256 znaków. Wybierz inne.
code-over = Ten kod już nie działa. Wyślij nowy.
code-wait = Następną wiadomość można wysłać od { $time }.

# Co może członek zespołu.
may-own = Decydować tu o wszystkim, razem z osobami, które zaprosisz
may-send = Wysyłać kody
may-read = Oglądać weryfikacje
may-see-numbers = Widzieć pełne numery telefonów
may-see-reports = Oglądać raporty
may-set = Zmieniać ustawienia
may-make-keys = Tworzyć klucze API
may-change-members = Zapraszać i zmieniać członków zespołu
may-read-audit = Czytać dziennik zmian
may-see-codes = Widzieć kody otwartym tekstem
may-pool = Wysłać { $count ->
    [one] { $count } część wiadomości
    [few] { $count } części wiadomości
   *[other] { $count } części wiadomości
} w miesiącu
may-hours = Wysyłać tylko w wyznaczonych godzinach

# What persons change of their own accounts.
proof-wrong = Hasło jest błędne.
proof-wait = Za dużo błędnych prób. Następna liczy się od { $time }.
proof-crowded = W tej chwili porównujemy wiele haseł. Spróbuj za kilka sekund.
proof-again = Formularz jest inny niż przedtem albo minęło dziesięć minut. Wpisz hasło jeszcze raz.
proof-recovery-wrong = To nie jest żaden z Twoich kodów zapasowych.
proof-no-more = Dla tego formularza nie można wysłać więcej wiadomości. Wpisz hasło jeszcze raz.
proof-away = W tej chwili nie można wysłać wiadomości. Spróbuj później.
password-done = Hasło zmienione. Inne przeglądarki są wylogowane.
off-done = Dwuetapowe logowanie jest wyłączone. Wystarcza samo hasło.
phone-done = Kody przychodzą od teraz na nowy numer.
phone-unreadable = Wpisz numer komórkowy z kodem kraju, na przykład +48 500 600 700.
phone-country = Do tego kraju nie wysyłamy kodów.
phone-mail-title = Dodaj telefon przez link z maila
phone-mail-lede = Twoja firma prosi o kod z SMS-a po haśle. Zaczyna się od linku na Twój adres, żeby samo skradzione hasło nie wystarczyło.
phone-mail-button = Wyślij mi link
phone-mail-sent = Link jest w drodze. Działa przez 24 godziny, w przeglądarce, w której masz sesję.
email-sent = Wysłaliśmy link na adres { $address }. Adres zmieni się, gdy go otworzysz.
email-same = To już jest Twój adres.
email-often = W tej godzinie wysłaliśmy dość linków. Spróbuj później.
saved = Zapisane.
choice-unknown = Wybierz coś z listy.
close-last-owner = Jesteś ostatnim właścicielem firmy. Najpierw wskaż innego.
revoke-done = { $count ->
    [one] { $count } klucz zatrzymany.
    [few] { $count } klucze zatrzymane.
   *[other] { $count } kluczy zatrzymanych.
}
session-beyond = Sesja nie może być dłuższa, niż pozwalają zasady, ani bezczynna dłużej, niż trwa w całości.
end-others-done = Wszystkie inne przeglądarki są wylogowane.
end-session-done = Ta przeglądarka jest wylogowana.
trust-done = Logowania z tej przeglądarki nie powodują maila.
untrust-done = Przeglądarka nie jest już zaufana.
forget-done = Przeglądarka zapomniana i wylogowana.
end-sessions-done = Członek jest wylogowany w tej firmie.
reset-2fa-done = Drugi składnik zostanie wyłączony za 24 godziny. Członek dostał maila.
reset-stopped = Wyłączanie zatrzymane.
list-unreadable = Wiersz { $line } nie jest adresem ani siecią, albo lista jest za długa lub się powtarza.
list-all-out = Żaden zalogowany teraz właściciel nie byłby na tej liście, więc jej nie zapisano.
list-saved = Lista zapisana. Właściciele dostali maila.
rules-saved = Zasady zapisane.
day-unreadable = Wpisz dzień, na przykład 2027-01-31.
days-unreadable = Wpisz liczbę dni od 1 do 365.
outcome-done = Gotowe
outcome-code-asked = Poproszono o kod
outcome-wrong-password = Błędne hasło
outcome-wrong-code = Błędny kod
outcome-wrong-recovery = Błędny kod zapasowy
outcome-refused = Adres spoza listy
activity-sign-in = Logowanie
activity-enter = Wejście do firmy
activity-enters = Wejście do firmy, liczba: { $count }
activity-guesses = { $count ->
    [one] { $count } próba
    [few] { $count } próby
   *[other] { $count } prób
}
