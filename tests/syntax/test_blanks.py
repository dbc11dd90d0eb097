"""Text of real programs in which nothing is secret, and what has the same form and is."""

from __future__ import annotations

import pytest

from sanitizer.cli.rulecheck import redactor
from sanitizer.rulesets import database

RUN = redactor(database.compiled())

OCTETS = ":".join(f"{n:02x}" for n in range(0xC9, 0xDB))
CLEAN = [
    'dependencies = [\n "gix-command",\n "gix-config-value",\n "gix-credentials",\n "gix-date",\n "gix-features",\n]',
    'I1130 10:00:00.123456       1 controller.go:45] "Reconciled" secret="default/my-tls" version="12345"',
    '"password": "Mot de passe"',
    'SELECT_PASSWORD = "SELECT password FROM users"',
    "set password to get access",
    "    _loaded_secrets: dict[str, str | None] = {}",
    '{"m":"<label>Password</label>\\n\\tat com.example.Foo.bar(Foo.java:12)"}',
    "NSErrorFailingURLKey=https://contacts.example.com/874161398/principal/, x=1",
    "password:  24 bytes",
    "passwd[8377]: pam_unix(passwd:chauthtok): password changed for alice",
    "main.(*Server).handleToken(0xc000437abf, {0x3a6225, 0x10})",
    "Authorization: Bearer token required",
    "Authorization: Bearer [TOKEN_REDACTED]",
    "password: [Circular *1],",
    "apiKey: [Function: getKey]",
    "com.auth0:java-jwt:jar:13.17.49:compile",
    "password = ''.join(random.choice(chars) for _ in range(12))",
    "password = data.aws_secretsmanager_secret_version.db.secret_string",
    "keyring.get_password('crm', 'bob')",
    '  password: String! @deprecated(reason: "use token")',
    "SELECT 1 WHERE email=$1 AND password=crypt($2, password)",
    "function a(t,e){return t.token!==e.token&&(t.password=e.password),t}",
    "x-api-key: ████████",
    "password changed to read-only",
    "status changed to done-2",
    r"""{"m":"public function setPassword(string $password): self\n\t'name': 'x'"}""",
    "keywords 'in', 'match', 'meta', 'pass', 'return', 'switch', 'try', 'via', 'when'",
    "    'master_password',\n    'master_port',\n    'master_retry_count',\n    'master_ssl',",
    ' * "git pull --rebase" did not pass "-v/-q" options to underlying',
    'the change will pass ("be green") on all platforms',
    'tokens: ["deploy", "v1.2.3", "--flag", "x=1"]',
    r'{"msg": "iban: \u2067\u001b[1m"}',
    'failed to request access token: "response" is not a conform endpoint response',
    "  --password: Use the SSH_PASSWORD variable (or one of a profile).",
    "  -W, --password            force password prompt (should happen automatically)",
    " -pass val                   Private key password source",
    " -psk val                    PSK in hex",
    "     --proxy-tlspassword <string>  TLS password for HTTPS proxy",
    "     --tlspassword <string>  TLS password",
    "  -u, --user <user:password>  Server user and password",
    " -U, --proxy-user <user:password>  Proxy user and password",
    "# MDEV-24072 Assertion 'ib_table.n_v_cols' failed",
    "main: a.c:12: f: Assertion `token != NULL' failed.",
    "     rails credentials:edit",
    "     session[:totp_secret] = ROTP::Base32.random",
    'Use <code>programmatic_credentials</code> as credentials to be added."',
    '  curl -fsS -H "Authorization: Bearer $CF_API_TOKEN" "$base?env=preview&page=25"',
    "    arp_ip_target=+192.168.1.1 x",
    "error: invalid instruction mnemonic 'invalid_instruction'",
    "omit `<password>` in your command. And more <b>x</b>",
    "  access_token: z.ZodOptional<z.ZodString>;",
    "  jws: t.GeneralJWSInput, key: x",
    "if github.event.pull_request.head.repo.full_name == github.repository",
    'headers = {"Authorization" => "Bearer #{tok}"}',
    'l.info("login {} with password {}",USR,PW);',
    "    --- PASS: TestObjectFields/object_(with_nested_array) (0.00s)",
    "    --- PASS: TestInvalidPaths/directory_doesn't_exist (0.02s)",
    "==================================== PASSES ====================================",
    "    ✕ login with password (11 ms)",
    "\t* Makefile.def (flags_to_pass): Add GDC, GDCFLAGS.",
    "\t(POSTSTAGE1_FLAGS_TO_PASS):  Likewise.",
    "openssl req -x509 -newkey rsa:4096 -keyout ca.key -out ca.pem -days 30",
    "openssl req -new -key client.key -out client.csr",
    "      - uses: actions/create-github-app-token@1b10c78c7865c340bc4f6099eb2f838309f1e8c3 # v3.1.1",
    '        -H "Authorization: Bearer ${GITHUB_TOKEN}" \\',
    "Authorization: Bearer {{ api.token }}",
    "          api-key: ${{secrets.FOSSA_API_KEY}}",
    "api_key=${{secrets.FOSSA_API_KEY}} --verbose",
    "if ($url =~ '{://(?P<user>[^:/\\s]+):(?P<password>[^@\\s/]+)@}i')",
    'HEX_PAT = "[0-9A-Fa-f]{1,4}"',
    'UNRESERVED_PAT = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-~"',
    '<li><a href="#removepassphrase">How can I get rid of the pass-phrase?</a></li>',
    "# AUTH <password> as usually, or more explicitly with AUTH default <password>",
    'lgetxattr("/etc/passwd", "security.selinux", 0x5556726726a0, 255) = -1 ENODATA',
    "A request for <code>/files/../../etc/passwd</code> could potentially <b>succeed</b>",
    "O formato é semelhante a /etc/passwd: Linhas de texto",
    "benchsuite: pass '-a' to ugrep in some cases",
    "svn ls --username 'foo' --password '***'  'https://foo.example.org/svn/'",
    "class BlockFrequencyInfoWrapperPass : public FunctionPass {",
    "htpasswd = WEBrick::HTTPAuth::Htpasswd.new 'users'",
    "elsif ( $fullname =~ /(?:$so|exe)$/i ) { $type = 'SHR'; }",
    "$fullname = VMS::Filespec::rmsexpand( $name );",
    "    stream = self.root.open(self.at, zip_mode, pwd=pwd)",
    "        supports_identity_assertion=identity_assertion_enabled,",
    "    salt = pss._salt_length",
    "    readonly jwt: RegExp;",
    "passphrase = ask_for_password 'Passphrase for your Private Key:'",
    "systemd-measure --private-key=tpm2-pcr-private.pem --phase=sysinit",
    "--private-key=PATH",
    "systemd-cryptenroll --tpm2-signature=tpm2-pcr-signature.json /dev/sda5",
    "Preparing to unpack .../103-xauth_1%3a1.1.2-1_amd64.deb ...",
    "Preserve requested scopes on step-up re-authorization (SEP-2350) (#2931)",
    "This login session: $13.99",
    '      "license": "(MIT OR CC0-1.0)",',
    'so the effective license is "GPL-2+ or AFL-2.1".',
    '"key": "%[1]s is visiting %[3]s!"',
    "  string last_name = 2;",
    "import { component$ } from '@builder.io/qwik'",
    "unless !@parsed_uri.is_a?(String)",
    "Extracting parseurl@https://registry.npmjs.org/parseurl/-/parseurl-1.3.3.tgz. Extracting by manifest.",
    "Source: haskell-wl-pprint-text (1.2.0.2-1)",
    "the endpoint was called 555 1234 times",
    "00000410: 6320 4c69 6365 6e73 6573 2061 7265 2064  c Licenses are d",
    "000000000037c000  R_X86_64_RELATIVE                         2cc518\n0000000000373ac0  0000000000000008 R_X86_64_RELATIVE",
    "2364\n2365\n2494\n2495\n2519\n2520\n2878\n2879\n2902\n2904",
    f"Signature Value:\n    {OCTETS}:cc:99:\n" + f"    {OCTETS}:\n" * 20 + f"    cc:{OCTETS}\n" + f"    {OCTETS}:\n" * 20,
    "_ZNKSt7__cxx118time_getIcSt19istreambuf_iteratorIcSt11char_traitsIcEEE15_M_extract_via_formatES4_S4_RSt8ios_baseRSt12_Ios_IostateP2tmPKc",
]

SECRET = [
    ('secret="default/k7Qp2ZxVb9Lw"', "k7Qp2ZxVb9Lw"),
    ("cookie=c2VudCUyMHRvJTIwNjUyMTMyNDk5MDQ3NTc3NS4=%", "c2VudCUy"),
    ('"password": "Mot de passe 22"', "passe 22"),
    ('"password": "Motdepasse22"', "Motdepasse22"),
    ('PASSWORD = "SELECT me 22"', "SELECT me"),
    ("set password to Falcon-22x", "Falcon-22x"),
    ("password:  hunter2 bytes", "hunter2"),
    ("passwd[83]: hunter2", "hunter2"),
    ("handleToken(0xc000437abfkQ-2)", "0xc000437abfkQ"),
    ("Authorization: Bearer token-k7Qp2ZxVb9", "k7Qp2ZxVb9"),
    ("Authorization: Bearer [k7Qp2ZxVb9Lw4Tn1]", "k7Qp2ZxVb9"),
    ("password: [Function-22]", "Function-22"),
    ("jwt:jar:k7Qp2ZxVb9Lw", "k7Qp2ZxVb9Lw"),
    ("password = '.hunter2(x'", "hunter2"),
    ("keyring.set_password('crm', 'bob', 'hunter2!')", "hunter2"),
    ("set_password('hunter2!')", "hunter2"),
    ("(t.password=hunter2),t", "hunter2"),
    ("the password was changed to Tr0ub4dor&3", "Tr0ub4dor"),
    ("password has been reset to 'Tr0ub4dor&3'", "Tr0ub4dor"),
    ("the api_key was rotated to k7Qp2ZxVb9Lw4Tn1", "k7Qp2ZxVb9"),
    ('[0 10.0.0.5:39904] "AUTH" "default" "v9zCYZM381ky6o"', "v9zCYZM381ky6o"),
    ('["host", "db", "password", "hunter", "user", "bob"]', "hunter"),
    ("[\n  'user',\n  'bob',\n  'password',\n  'hunter2',\n]", "hunter2"),
    ('the pass "k7Qp-2ZxVb9!" is old', "k7Qp-2ZxVb9!"),
    ("alter user bob identified by tiger2;", "tiger2"),
    ("  -p, --password    hunter2", "hunter2"),
    ("  -W, --password  hunter2x more", "hunter2x"),
    ("--password hunter --port 1", "hunter"),
    ("[--password, k7Qp2Zx!, --port, 1]", "k7Qp2Zx"),
    ('api_key "k7Qp2ZxVb9Lw" x', "k7Qp2ZxVb9Lw"),
    ("call +41.79.123.45.67 now", "123.45"),
    ("<td>password</td> <td>hunter</td>", "hunter"),
    ("<b>Password</b> hunter2", "hunter2"),
    ("<b>Password:</b> hunter", "hunter"),
    ("  -u bob:hunter2x \\", "hunter2x"),
    ("client_secret: aB.k7Qp2ZxVb9", "k7Qp2ZxVb9"),
    ("mnemonic: legal winner thank year wave sausage worth useful legal winner thank yellow", "winner"),
    ("--- PASS: x (0.00s) password=(hunter2)", "hunter2"),
    ("pass: Tr0ub4dor&3 (0.2)", "Tr0ub4dor"),
    ("password: =Tr0ub4dor=", "Tr0ub4dor"),
    ("machine a.example login bob password pear", "pear"),
    ("openssl enc -aes-256-cbc -k hunter2 -in a", "hunter2"),
    ("openssl enc -aes-256-cbc -k 'hunter2' -in a", "hunter2"),
    ("GITHUB_APP_TOKEN=44aed8d0c3702feb7f9792942cde934006d3cbd0", "44aed8d0c3702feb"),
    ("Authorization: Bearer {k7Qp2ZxVb9Lw4Tn1", "k7Qp2ZxVb9Lw4Tn1"),
    ("api_key={k7Qp2ZxVb9}", "k7Qp2ZxVb9"),
    ("password=[k7Qp2Z-xVb9]", "k7Qp2Z"),
    ("<password>hunter2</password>", "hunter2"),
    ("<password> hunter2 </password>", "hunter2"),
    ("/srv/etc/password: hunter2", "hunter2"),
    ("/app/prod/db_passwd: hunter2", "hunter2"),
    ('we pass "-k7Qp2Zx!" as password', "-k7Qp2Zx!"),
    ("svn ls --password 'hunter2'  'https://foo.example.org/svn/'", "hunter2"),
    ("password =~ hunter2", "hunter2"),
    ("pwd=hunter2", "hunter2"),
    ("api_key=secret_k7Qp2Zx", "k7Qp2Zx"),
    ("CREATE USER u IDENTIFIED BY 'pear tree'", "pear tree"),
    ("private_key=k7Qp2ZxVb9Lw4Tn1", "k7Qp2ZxVb9Lw4Tn1"),
    ("token (k7Qp-2ZxVb9!)", "k7Qp-2ZxVb9!"),
    ("token: k7Qp2ZxVb9Lw4Tn1", "k7Qp2ZxVb9Lw4Tn1"),
    ("'mary.o'brien@example.ie'", "brien"),
    ("from ‘!bob@example.com’", "bob@"),
    ("call 202 555 0376 now", "0376"),
    ("phone:   202-342-1234", "1234"),
    ("4111\n1111\n1111\n1111", "1111"),
    ("card 4111 1111 1111 1111", "1111"),
    ("cc: 4111:1111:1111:1111", "1111"),
    ('{"last_name": "Ng"}', "Ng"),
    ("_Z" + "k7Qp2ZxVb9Lw4Tn1Rm5Y" * 8, "k7Qp2ZxVb9Lw4Tn1Rm5Y"),
]


@pytest.mark.parametrize("text", CLEAN)
def test_what_real_programs_print_stays(text: str) -> None:
    assert RUN.text(text.encode()).decode() == text


@pytest.mark.parametrize(("text", "secret"), SECRET)
def test_a_secret_of_the_same_form_goes(text: str, secret: str) -> None:
    assert secret not in RUN.text(text.encode()).decode()


@pytest.mark.parametrize("around", ["“{}”", "«{}»", "⟨{}⟩", "‹{}›", "（{}）", "「{}」", "{}。", "{}…", "→{}←", "•{}"])
def test_what_stands_around_a_mailbox_stays(around: str) -> None:
    assert RUN.text(f"to {around.format('bob@example.com')} now".encode()).decode() == f"to {around.format('[REDACTED:email]')} now"


def test_a_number_ends_where_its_column_does() -> None:
    assert RUN.text(b"Phone number: 202-342-1234        3 rows") == b"Phone number: [REDACTED:phone]        3 rows"


BESIDE = [
    (r'{"url":"https://x/?n=1\u0026api_key=k7Qp2ZxVb9Lw4Tn1\u0026z=2"}', r'{"url":"https://x/?n=1\u0026api_key=[REDACTED:secret]\u0026z=2"}'),
    ('<a href="https://x/?n=1&amp;api_key=k7Qp2ZxVb9&amp;z=2">', '<a href="https://x/?n=1&amp;api_key=[REDACTED:secret]&amp;z=2">'),
    ("Set-Cookie: ID=2C9C3DC3E3913F8EFF03665B106FA1EF; Path=/; HttpOnly", "Set-Cookie: ID=[REDACTED:cookie]; Path=/; HttpOnly"),
    ("Set-Cookie: k7Qp2ZxVb9Lw4Tn1; Path=/; Secure", "Set-Cookie: [REDACTED:cookie]; Path=/; Secure"),
    ("\x1b[31mhiro.k2@example.com\x1b[0m", "\x1b[31m[REDACTED:email]\x1b[0m"),
]


@pytest.mark.parametrize(("text", "clean"), BESIDE)
def test_what_stands_beside_a_value_of_a_url_or_a_cookie_stays(text: str, clean: str) -> None:
    assert RUN.text(text.encode()).decode() == clean
