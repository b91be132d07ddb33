# Maile i SMS-y do osób. Nazwy osób i firm pochodzą z zewnątrz.
mail-hello = Cześć { $name },
mail-hello-nameless = Cześć,
mail-time = { $weekday ->
    [1] poniedziałek
    [2] wtorek
    [3] środa
    [4] czwartek
    [5] piątek
    [6] sobota
   *[7] niedziela
}, { mail-date }, { $clock } ({ $zone })
mail-date = { $day } { $month ->
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
mail-fact = { $label }:
mail-when = Kiedy
mail-from = Skąd
mail-browser = Przeglądarka
mail-browser-on = { $browser }, { $os }
mail-you = To ty
mail-not-you = To nie ty
mail-nothing-to-do = Nie musisz nic robić.
mail-save-account = Samodzielnie otwórz { $host }, zaloguj się i zmień hasło w części Twoje bezpieczeństwo. Jeśli nie możesz się zalogować, wybierz tam „Nie pamiętasz hasła?”.
mail-one-button = Link otwiera stronę z jednym przyciskiem. Działa jeden raz, do { $until }.
mail-works-until = Link działa jeden raz. Ważny do: { $until }.
mail-owner = Tę wiadomość dostają właściciele konta { $tenant }.
mail-never-asks = Nikt, kto u nas pracuje, nigdy nie poprosi cię o hasło ani o kod.
mail-links-lead = Linki w naszych wiadomościach prowadzą do { $host } i nigdzie indziej.
mail-questions = Pytania?

invitation-subject = { $name } zaprasza cię do { $tenant }
invitation-subject-nameless = Zaproszenie do { $tenant }
invitation-by-operator = Prowadzimy serwer, z którego korzysta ta firma, i zapraszamy cię w jej imieniu.
invitation-text = Zaproszenie jest do portalu, w którym { $tenant } widzi, co się dzieje z jej kodami SMS.
invitation-button = Przyjmij zaproszenie
invitation-unexpected = Nie znasz osoby, która cię zaprasza, albo nie czekasz na zaproszenie? Zostaw tę wiadomość bez odpowiedzi: nic się nie stanie i żadne konto nie powstanie.

new-device-subject = Ktoś wpisał twoje hasło na nowym urządzeniu
new-device-halfway = Hasło było poprawne. Bez kodu, który wysyłamy na twój telefon, nikt się nie zaloguje.
new-device-finished = Hasło było poprawne i logowanie się powiodło.
new-device-trust = Nie musisz nic robić. Oznacz przeglądarkę jako zaufaną w części Urządzenia i aktywność, a przestaniemy o niej pisać.
new-device-not-you = Ktoś zna twoje hasło. Zakończ teraz wszystkie sesje, a potem zmień hasło. Nikomu nie podawaj kodu.
new-device-button = Wyloguj wszędzie
new-device-password = Aby zmienić hasło, samodzielnie otwórz { $host } i przejdź do części Twoje bezpieczeństwo.

password-changed-subject = Twoje hasło zostało zmienione
password-changed-text = Hasło do twojego konta zostało zmienione, a inne przeglądarki wylogowane. Klucze API działają jak dotąd.

reset-password-subject = Ustaw nowe hasło
reset-password-text = Ktoś, mamy nadzieję, że ty, chce ustawić nowe hasło do twojego konta.
reset-password-button = Ustaw nowe hasło
reset-password-unexpected = To nie ty? Zostaw tę wiadomość bez odpowiedzi: hasło się nie zmieni.

two-factor-on-subject = Logowanie dwuetapowe jest włączone
two-factor-on-text = Od teraz do zalogowania potrzebujesz hasła i kodu, który wysyłamy na twój telefon. Kody zapasowe trzymaj w bezpiecznym miejscu: wpuszczą cię, gdy zgubisz telefon.

two-factor-off-subject = Logowanie dwuetapowe jest wyłączone
two-factor-off-person = Logowanie dwuetapowe do twojego konta zostało wyłączone w portalu. Od teraz wystarczy samo hasło.
two-factor-off-owner = Właściciel konta twojej firmy wyłączył twoje logowanie dwuetapowe. Od teraz wystarczy samo hasło.
two-factor-off-operator = Wyłączyliśmy logowanie dwuetapowe do twojego konta. Od teraz wystarczy samo hasło.
two-factor-off-again = Włącz je znowu w części Twoje bezpieczeństwo, gdy tylko masz telefon pod ręką.

number-changed-subject = Kody idą na inny numer telefonu
number-changed-text = Kody do logowania wysyłamy teraz na numer, który kończy się na { $digits }.

recovery-code-used-subject = Użyto kodu zapasowego
recovery-code-used-text = Ktoś zalogował się do twojego konta kodem zapasowym zamiast kodu z SMS-a. { $left ->
    [0] Nie został już żaden kod zapasowy.
    [one] Został jeden kod zapasowy.
    [few] Zostały { $left } kody zapasowe.
   *[other] Zostało { $left } kodów zapasowych.
}
recovery-code-used-you = Nie masz już telefonu? Dodaj inny numer w części Twoje bezpieczeństwo i utwórz nowe kody zapasowe.

recovery-codes-made-subject = Masz nowe kody zapasowe
recovery-codes-made-text = Dla twojego konta utworzono nowe kody zapasowe. Poprzednie już nie działają.

confirm-address-subject = Potwierdź nowy adres e-mail
confirm-address-text = Ktoś, mamy nadzieję, że ty, chce odtąd logować się tym adresem.
confirm-address-button = Potwierdź ten adres
confirm-address-unexpected = To nie ty? Zostaw tę wiadomość bez odpowiedzi: nic się nie stanie.

address-changing-subject = Twój adres e-mail jest zmieniany
address-changing-text = Adres twojego konta jest zmieniany na { $address }. Po potwierdzeniu nowego adresu tam będą przychodzić nasze wiadomości i nim będziesz się logować.
address-changing-button = Zostaw obecny adres

address-restored-subject = Twój poprzedni adres e-mail wrócił
address-restored-text = Ktoś użył linku z naszej wiadomości na ten adres. Znów logujesz się tym adresem, a wszystkie przeglądarki zostały wylogowane. Osoba, która zmieniła adres, znała twoje hasło: zmień je teraz.

address-left-subject = Tym adresem e-mail już się nie zalogujesz
address-left-text = Zmiana adresu konta na ten adres została cofnięta z poprzedniego adresu. Ten adres nie należy teraz do żadnego konta u nas, a wszystkie przeglądarki tamtego konta zostały wylogowane.

address-set-subject = Zmieniliśmy twój adres e-mail
address-set-text = Prowadzimy ten serwer i zmieniliśmy adres twojego konta na { $address }. Od teraz logujesz się tym adresem, a wszystkie przeglądarki zostały wylogowane.
by-operator-unexpected = To nie była twoja prośba? Napisz do nas albo zadzwoń.

signed-out-subject = Wylogowaliśmy cię wszędzie
signed-out-text = Prowadzimy ten serwer i wylogowaliśmy cię we wszystkich przeglądarkach; żadna nie jest teraz rozpoznawana jako twoja. Hasło się nie zmieniło.

enrol-two-factor-subject = { $tenant } prosi o włączenie logowania dwuetapowego
enrol-two-factor-text = Do portalu, z którego korzysta { $tenant }, wejdziesz tylko z kodem, który wysyłamy na twój telefon. Miej go pod ręką.
enrol-two-factor-button = Włącz logowanie dwuetapowe
enrol-two-factor-unexpected = To nie ty się teraz logujesz? Ktoś zna twoje hasło: zmień je.

two-factor-reset-started-subject = Twoje logowanie dwuetapowe zostanie wyłączone
two-factor-reset-started-text = Właściciel konta { $tenant } mówi, że nie masz już telefonu. Logowanie dwuetapowe wyłączymy w tym czasie: { $time }. Potem wystarczy samo hasło, dopóki nie dodasz telefonu.
two-factor-reset-started-you = Nie musisz nic robić, tylko poczekać.
two-factor-reset-started-not-you = Nadal masz telefon? Wyloguj się wszędzie: to także zatrzyma wyłączenie.

password-old-subject = Twoje hasło ma już { $days ->
    [one] jeden dzień
   *[other] { $days } dni
}
password-old-remind = Twoja firma prosi, aby co jakiś czas zmieniać hasło. Możesz to zrobić teraz: samodzielnie otwórz { $host } i przejdź do części Twoje bezpieczeństwo.
password-old-force = Twoja firma prosi o zmianę hasła. Portal zapyta o nie przy najbliższym logowaniu: samodzielnie otwórz { $host }.

new-owner-subject = { $name }: nowy właściciel konta { $tenant }
new-owner-text = Właściciel może w { $tenant } wszystko i może nadać tę rolę innym. Jeśli nikt z was tego nie chciał, odbierz rolę w części Członkowie.

member-two-factor-off-subject = { $name } loguje się do { $tenant } bez drugiego składnika
member-two-factor-off-text = Logowanie dwuetapowe tej osoby zostało wyłączone: { $name }. Od teraz do { $tenant } wpuści ją samo hasło.

list-changed-subject-api = Zmiana listy adresów API w { $tenant }
list-changed-subject-portal = Zmiana listy adresów portalu w { $tenant }
list-changed-by = Zmieniono listę adresów, z których można korzystać z { $tenant }. Autor zmiany: { $name }.
list-changed-operator = Zmieniliśmy listę adresów, z których można korzystać z { $tenant }.
list-changed-look = Sprawdź w części Listy IP, czy jest poprawna.

codes-reveal-granted-subject = { $name } może teraz widzieć kody { $tenant }
codes-reveal-granted-text = { $name } ma teraz prawo widzieć kody (codes:reveal). Kto widzi kod, może podszyć się pod użytkownika. Jeśli nikt z was tego nie chciał, odbierz to prawo.

pool-at-80-subject = { $name }: wykorzystano 80 % wiadomości na ten miesiąc
pool-at-80-text = Wykorzystane części wiadomości w tym miesiącu: { $used } z { $of }. Dotyczy: { $name } ({ $tenant }). Gdy skończą się wszystkie, nowe weryfikacje będą odrzucane do końca miesiąca albo do podniesienia limitu w części Członkowie.

sms-number-changed = Countersign: kody do logowania nie ida juz na ten numer. To nie ty? Zaloguj sie na { $host } i sprawdz Twoje bezpieczenstwo.
sms-two-factor-off = Countersign: logowanie dwuetapowe do twojego konta jest wylaczone. To nie ty? Zaloguj sie na { $host } i zmien haslo.
