"""Keys and their values in the syntaxes that logs are written in: the value goes, and nothing beside it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.cli.rulecheck import redactor
from sanitizer.detection.keyed import KeyedValues
from sanitizer.rulesets.cache import compiled

COMPILED = compiled()
RUN = redactor(COMPILED)
MASK = re.compile(r"\[(?:REDACTED|session|password):[a-z0-9-]+\]")

# {P} is a password, {T} a token.
PAIRS = [
    '{"query":{"term":{"db_password.keyword":{"value":"{P}"}}}}',
    '#<Login:0x0000\n @refresh_token=\n  "{T}",\n @n=3>',
    r"""{"message":"x 'clientSecret': '{T}'\"]]></body>"}""",
    r"""{"body": "MCP_SERVER_TOKEN => '{T}'\", \"n\": 1}""",
    "{'pwd': np.str_('{P}')}",
    "{'passwd': bytearray(b'{P}')}",
    'Args { api_key: Secret(String("{T}")), n: 3 }',
    'Args {password = Just "{P}", n = 3}',
    "{password=Optional[{P}], n=3}",
    "password: Set(1) { '{P}' }",
    "db_password (prod)={P} ok",
    "【api_key】={T}",
    "api_key[]: {T}",
    "passphrase_b64: {T}",
    "password_override={P}",
    "api_key? = {T}",
    "set api_key {{T}}",
    "SELECT id FROM u WHERE passwd LIKE '{P}'",
    "EXEC sp_password NULL, '{P}', 'bob'",
    'db.auth("bob", "{P}")',
    "CALL set_password('bob', '{P}')",
    "echo {P} | wrangler secret put DB_PASSWORD",
    'connect scott/"{P}"@orcl',
    "CEF:0|A|B|1|2|n|3|cs1Label=smtp_pass cs1={P} n=1",
    "geheim={T}",
    "segreto: {T}",
    "新密码：{P}",
    "**Password:** {P}",
    "- **api_key:** {T}",
    'let secret_key: &str = "{T}";',
    "const API_KEY: &'static str = \"{T}\";",
    'let token: Option<String> = Some("{T}".into());',
    'let password: String? = "{P}"',
    'Config(name: "x", password: Optional("{P}"), n: 1)',
    'public string Password { get; set; } = "{P}";',
    'Dim password As String = "{P}"',
    '((:password . "{P}") (:n . 1))',
    '(("password" . "{P}") ("n" . 1))',
    '#{<<"db_password">> => <<"{P}">>, n => 1}',
    '[{<<"db_password">>,<<"{P}">>}]',
    '{"passwd": {"type": "string", "default": "{P}"}}',
    '{"op": "replace", "path": "/spec/db_password", "value": "{P}"}',
    '{"type":"string_too_short","loc":["body","password"],"msg":"String should have 8 characters","input":"{P}"}',
    "{'type': 'string_too_short', 'loc': ('body', 'password'), 'msg': 'String should', 'input': '{P}'}",
    '{"code": "invalid", "path": ["userPassword"], "received": "{P}"}',
    'api_token ::= "{T}"',
    'api_token :::= "{T}"',
    'api_token ?= "{T}"',
    '$apiToken .= "{T}"',
    'var apiToken string = "{T}"',
    'char password[25] = "{P}";',
    'secret[] = "{T}";',
    'if (db_pass !== "{P}") {',
    "sendbird token - '{T}'",
    "<apiToken>\n    {T}\n</apiToken>",
    'apikey_myservice: "{T}"',
    'appServiceKey := "{T}"',
    "newsapi KEY {T}",
    "SIGNING_KEY.....: {T}",
    'private_key_base64 = "{T}"',
    "signing_key_hex : {T}",
    "clarifai SECRET {T}",
    "setenv DB_PASSWORD {P}",
    "setenv Mcp-Session-Id {T}",
    'os.environ["DB_PASSWORD"] = "{P}"',
    "os.environ['apiKey'] = '{T}'",
    'array(1) { ["api_key"]=> string(20) "{T}" }',
    '["db_password"]=> string(13) "{P}" }',
    '#{db_password => <<"{P}">>}',
    '{db_password, <<"{P}">>}',
    '{:n 1, :password "{P}"}',
    '{:api-key "{T}"}',
    "Map(n -> 1, smtp_pass -> {P})",
    "Map(apiKey -> {T}, n -> 2)",
    '{  "password"  :  "{P}"  }',
    '{"password"   :   "{P}"}',
    'form-data; name="smtp_pass"\\r\\n\\r\\n{P}\\r\\n--x',
    'form-data; name="password"; filename="x"\\r\\n\\r\\n{P}\\r\\n--x',
    "ENV DB_PASSWORD {P}",
    'ENV api_key="{T}"',
    "ARG NPM_TOKEN={T}",
    'Environment="DB_PASSWORD={P}"',
    "Environment=DB_PASSWORD={P} OTHER=1",
    'password = "{P}"',
    "db.password {P}",
    '{:password=>"{P}", :n=>1}',
    "'password' => '{P}',",
    '["password"] = "{P}",',
    'password: "{P}")',
    "User(password={P}, n=1)",
    "{Name:bob Password:{P} N:3}",
    "&{Token:{T} N:3}",
    'password: "{P}" n: 3',
    'mutation { login(password: "{P}", n: 1) { ok } }',
    "bindpw {P}",
    "requirepass {P}",
    "masterauth {P}",
    "CONFIG SET requirepass {P}",
    "AUTH default {P}",
    "AUTH {P}",
    "sonar.login={P}",
    "SET PASSWORD FOR bob = '{P}'",
    "DECLARE @password varchar(32) = '{P}'",
    "INSERT INTO t (id,password,n) VALUES (7,'{P}',1)",
    "INSERT INTO users(password, id) VALUES ('{P}', 7)",
    "sp_addlogin 'b','{P}'",
    "EXEC sp_addlogin @loginame = 'b', @passwd = '{P}'",
    "ConvertTo-SecureString '{P}' -AsPlainText",
    "echo 'u:{P}' | chpasswd",
    'echo "bob:{P}" | chpasswd',
    "kinit bob <<< {P}",
    "kinit bob <<< '{P}'",
    "wpa_passphrase homenet {P}",
    "lftp -u bob,{P} sftp://h",
    "net use Z: \\\\srv\\x {P}",
    "net user bob {P}",
    "net user bob {P} /add",
    "smbclient -U bob%{P} //h/x",
    "openssl rsa -in k.pem -passin pass:{P}",
    "ldapsearch -x -D cn=a -w {P} -b dc=x",
    "zip -P {P} a.zip b",
    "vault login {T}",
    "docker login -u bob -p {P} r.io",
    "app/{P}@//ora:1521/xe",
    "dsn: app:{P}@db/shop",
    "Session {T} not found",
    'session "{T}" expired',
    "Гасло={P}",
    "кодовое слово: {P}",
    "КОДОВОЕ СЛОВО：{P}",
    "clave: {P}",
    "Clave={P}",
    "password set to {P}",
    "password is set to {P}",
    "smtp_pass | {P}",
    "| password | {P} |",
    "run --userpassword {P} -q",
    "--api-key {T} -q",
    "<td>password</td><td>{P}</td>",
    "MCP_SERVER_TOKEN->{T}",
    "MCP_SERVER_TOKEN -> {T}",
    "api_key → {T}",
    '{"k":"secret","v":"{P}"}',
    '{"v":"{P}","k":"secret"}',
    '{"key":"password","val":"{P}"}',
    '{"name":"password","type":"x","value":"{P}"}',
    '{"value":"{P}","name":"api_key","n":1}',
    '{"field":"password","content":"{P}"}',
    '{"header":"X-Api-Key","value":"{T}"}',
    "{'name': 'password', 'value': '{P}'}",
    '[{"key":"n","value":"x"},{"key":"db_password","value":"{P}"}]',
    '[["Authorization","Bearer {T}"]]',
    '("password", "{P}")',
    "password: |\n  {P}\nother: 1",
    "password: >-\n  {P}\nother: 1",
    "password\t{P}",
    "id\tpassword\t{P}",
    "export PASSWORD='{P}'",
    "set password {P}",
    '$Password = "{P}"',
    "define('DB_PASSWORD', '{P}');",
    "const password = '{P}';",
    'let password: String = "{P}"',
    'val password = "{P}"',
    'local password = "{P}"',
    "my $password = '{P}';",
    'password := "{P}"',
    'PASSWORD="{P}" ./run',
    '"password":"{P}"',
    'password="{P}"',
    "PWD={P};Uid=x",
    "Server=h;Database=d;Uid=u;Pwd={P};",
    'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="{P}";',
    "password={P}&n=1",
    '{"env":{"PASSWORD":"{P}"}}',
    '{\\"password\\":\\"{P}\\"}',
    '{\\\\\\"password\\\\\\":\\\\\\"{P}\\\\\\"}',
    "password='{P}'",
    "password=b'{P}'",
    "Password: {P}",
    "PASSWORD {P}",
    "userPassword: {P}",
    'secret = "{P}"',
    "security.password={P}",
    "spring.datasource.password: {P}",
    "with password '{P}'",
    "pass phrase: {P}",
    "<password>{P}</password>",
    '<add key="password" value="{P}"/>',
    '<property name="password" value="{P}"/>',
    '<entry key="password">{P}</entry>',
    '<string name="api_key">{T}</string>',
    "<key>password</key><string>{P}</string>",
    "password: {P} (bob)",
    "PGPASSWORD={P} psql",
    "mysql -u root -p{P} app",
    "-Dpassword={P}",
    "--password={P}",
    "--password {P}",
    "'--password', '{P}'",
    '["--password","{P}"]',
    "curl -H 'X-Api-Key: {T}' x",
    "api_key is {T}",
    's:8:"password";s:13:"{P}";',
    "password\\u003d{P}",
    "user=bob password={P} host=h",
    "login bob password {P}",
    '{"password":["{P}"]}',
    '{"password":{"value":"{P}"}}',
    "password: !!str {P}",
    "password: !vault {P}",
    '(setq password "{P}")',
    'password <- "{P}"',
    '%{password: "{P}"}',
    '[password: "{P}"]',
    '{password,"{P}"}',
    "password:'{P}'",
    "@password='{P}'",
    "SET @password = '{P}';",
    "password == {P}",
    "Enter password: {P}",
    "new_password={P}",
    "old_password={P}",
    "passwordConfirmation={P}",
    '"password2":"{P}"',
    "DB_PASSWORD_PROD={P}",
    "API_KEY_V2={T}",
    "X-Auth-Token: {T}",
    "X-Auth-Token {T}",
    "x-amz-security-token={T}",
    "Das Passwort ist {P}",
    "La contraseña es '{P}'",
    "密码是{P}",
    "[password:Login:private] => {P}",
    '["db_password":protected]=> string(11) "{P}"',
    'http.Header{"X-Api-Key":[]string{"{T}"}, "Accept":[]string{"*/*"}}',
    "[(smtp_password, {P}), (n, 3)]",
    '{"field":"password","oldValue":"{P}","type":"x"}',
    '{"label":"Password","answer":"{P}"}',
    '<input value="{P}" name="db_password" type="hidden">',
    'variable "db_password" { default = "{P}" }',
    "ENV['DB_PASSWORD'] ||= '{P}'",
    "db_password — {P}",
    "ssh-keygen -t ed25519 -N '{P}' -f k",
    "simple_bind_s('cn=bob,dc=acme', '{P}')",
    "Duplicate entry '{T}' for key 'users.api_key'",
    '{"Password__c":"{P}"}',
    "│ 0       │ 'password' │ '{P}'   │",
    "│ password │ {P} │",
    "| api_key | {T} |",
    "INSERT INTO users(email,password) VALUES($1,$2) [ 'bob', '{P}' ]",
    "UPDATE users SET password = $1 WHERE id = $2 [ '{P}', 3 ]",
    "LOG:  execute <unnamed>: UPDATE users SET password=$1 WHERE id=$2\nDETAIL:  parameters: $1 = '{P}', $2 = '1'",
    "apiKey: ValidatorError: `{T}` is not a valid enum value for path `apiKey`.",
    "<p>Password: <b>{P}</b></p>",
    "<b>Password:</b> {P}<br>",
    "[[:user, 'bob'], [:password, '{P}']]",
    "Invalid type for parameter SecretString, value: b'{P}', type: <class 'bytes'>",
    "[mysql, -u, bob, --password, {P}, --port=3306]",
    "[mysql, -p{P}, shop]",
    "list=['password', '{P}']",
    "/*SQL*/insert into users(id,password) values(?,?) {1: 7, 2: '{P}'};",
    "error: invalid value '{P}' for '--password <PASSWORD>': invalid digit",
    'of type `int` from String "{P}": not a valid `int` value\n at [Source: x] (through reference chain: Login["password"])',
    "Message: 'token %d'\nArguments: ({T})",
    "TypeError: Invalid token: {T}",
    '{"message":"login bob with password {P}","thread":"main","logger":"app.Auth"}',
    "credentials: { user: 'svc_bob', password: '{P}' },",
    "\npassword> {P}\n",
    '[["password"],"{P}"]',
    "openssl passwd -6 -salt ab '{P}'",
    "<TR><TH>id</TH>\n<TH>password</TH></TR>\n<TR><TD>1</TD>\n<TD>{P}</TD></TR>",
    "{Scheme:https Opaque: User:bob:{P} Host:h Path:}",
    "'authentication': {'simple': '{P}', 'sasl': None}",
    'Password:(*string)(0x1613bbb20630)((len=9) "{P}")',
    ' (string) (len=8) "Password": ([]string) (len=1 cap=1) {\n  (string) (len=9) "{P}"\n },',
    "Your one-time API token (shown once):\n\n    {T}\n",
    "<tr><th>user     </th><th>password       </th></tr>\n<tr><td>bob</td><td>{P}</td></tr>",
    "Incorrect API key provided: {T}. You can find it",
    "ParseResult(scheme='postgres', netloc='app:{P}@10.0.0.5:5432', path='/db')",
    "#0 /db.php(2): Db->connect('db.internal', 'bob', '{P}')",
    'Cast to Number failed for value "{P}" (type string) at path "password"',
]
AN_APOSTROPHE = [
    "https://bob:k7Qpx'AOec%WLKJ!@h.example.com:443/p",
    "mysql -u bob -pk7Qpx'AOec%WLKJ! shop",
    "2026/11/30 15:02:59 password k7Qpx'AOec%WLKJ!5",
    "password | k7Qpx'AOec%WLKJ!",
    '[\n  "--password",\n  "k7Qpx\'AOec%WLKJ!",\n]',
    "python3 x.py --password k7Qpx'AOec%WLKJ! --token=",
    "mysqld --user=bob --password=k7Qpx'AOec%WLKJ! 2",
    r"+ PASSWORD='k7Qpx'\''AOec%WLKJ!'",
    "PASSWORD='k7Qpx'\"'\"'AOec%WLKJ!'",
    r"PASSWORD=k7Qpx\'AOec%WLKJ!",
    "secret: 'k7Qpx'AOec%WLKJ!'",
]
"""A password with an apostrophe, as command lines, shells and printers write it that do not escape it."""

PASSWORDS = ["Tr0ub4dor&3x!", "dish-orange-cloud94", "Haven5566$"]
TOKEN = "xK9fQ2mWp7LzR4tBn8"


@pytest.mark.parametrize("line", AN_APOSTROPHE)
def test_an_apostrophe_within_a_value_ends_it_nowhere(line: str) -> None:
    assert not re.search("k7Qpx|AOec|WLKJ", redacted(line))


def test_a_key_behind_its_name_may_have_dashes_from_its_first_letters_on() -> None:
    assert redacted("fatal: invalid api key y-8XbqXsFI7WPDTmyDs1goAh0pac562Gst9w") == "fatal: invalid api key #"


def test_the_password_of_the_option_that_http_of_node_takes_goes() -> None:
    assert redacted("auth: 'svc_bob:mirror-lantern-stone89',") == "auth: 'svc_bob:#',"


def test_a_value_that_a_console_shortens_ends_with_its_ellipsis() -> None:
    assert redacted("│ password = 'Tr0ub4dor&3x… │ │\n│ port = 5432 │") == "│ password = '# │ │\n│ port = 5432 │"


def test_a_string_that_was_cut_in_its_middle_holds_the_next_value_too() -> None:
    line = "input_value={'password': 'Tr0ub4dor&3x!...rt': 'Haven5566$'}, input_type=dict]"
    assert redacted(line) == "input_value={'password': '#': '#'}, input_type=dict]"


def test_the_value_of_a_variable_may_stand_in_quotes_of_its_own() -> None:
    assert redacted("""{"locals": {"otp_code": "'726227'", "n": "'7'"}}""") == """{"locals": {"otp_code": "'#'", "n": "'7'"}}"""


def test_a_mailbox_that_was_cut_in_its_middle_goes() -> None:
    assert redacted("input_value={'email': 'jan_doe20...xample.org'}, n") == "input_value={'email': '#'}, n"
    assert redacted("input_value={'email': 'none...', 'a': 7}") == "input_value={'email': 'none...', 'a': 7}"


def test_the_path_to_a_value_may_go_over_lines() -> None:
    printed = '{\n  "loc": [\n    "body",\n    "password"\n  ],\n  "msg": "too short",\n  "input": "Haven5566$",\n  "url": "x7"\n}'
    assert redacted(printed) == printed.replace("Haven5566$", "#")
    assert redacted(printed.replace("\n", " ")) == printed.replace("Haven5566$", "#").replace("\n", " ")
    assert redacted(printed.replace("password", "name")) == printed.replace("password", "name")


HARMLESS = [
    '{\n  "required": [\n    "name",\n    "password"\n  ],\n  "input": "Haven5566$"\n}',
    '{"inputSchema":{"type":"object","required":["api_key","db_url"]}}',
    "    credentials: MongoCredentials {\n      n: 7",
    "    7 def login(user,secret): return 401",
    "Col ('id', 'email', 'password', 'phone', 'token', 'card')",
    "Token:(*string)(0x2e859e720630), Password:(*string)(nil)",
    "{'password': ['Not a valid integer.'], 'token': ['Unknown field.']}",
    '{"password":{"_errors":["Too big: expected string to have <=3 characters"]}}',
    "sh: line 33: sshpass: command not found",
    'invalid value "x" for flag -password: parse error',
    "WARNING  the api key is                  settings_loader2.py:7",
    "<TR><TH>api_key</TH>\n<TH>phone</TH></TR>",
    "password: ValidatorError: Path `password` (`x`, length 22) is longer",
    'Invalid login sequence while waiting for "334 UGFzc3dvcmQ6": 235 ok\nError: Invalid login',
    '{"passwd": {"type": "string", "description": "the password", "default": "changeme"}}',
    '{"op": "replace", "path": "/spec/replicas", "value": "Tr0ub4dor3x"}',
    "**Token:** none",
    "password: Annotated[str, Form()],",
    "password: !Ref DBPassword",
    'read -s -p "Password: " PASS',
    'api key "ci-broker" created by wendy',
    "spring.datasource.password=@db.password@",
    "stage('Deploy') { withCredentials([string(credentialsId: 'broker-token', variable: 'TOKEN')]) { sh 'deploy' } }",
    "[string(credentialsId: 'broker-token', variable: 'TOKEN')]\n  Index Cond: (token = $1)\nsaved data: k7Qp2ZxVb9Lw4Tn1\n{}",
    'guard let apiKey = Bundle.main.infoDictionary?["API_KEY"] as? String else { return }',
    "password_confirmation: params[:password_confirmation]",
    'curl -X POST -d \'{"email":"<email>","password":"<password>"}\' https://api.middleware.test/login',
    '<add key="ApiKey" value="#{ApiKey}#" />',
    "public function setPassword(string $password): self",
    "await page.fill('#password', process.env.PASSWORD!)",
    "Failed to refresh access token: invalid_grant",
    "\tat com.acme.sync.PipelineStore.getSecret(SyncStore.java:224)",
    "postgres://<user>:<password>@<host>/extension",
    "postgres://<user>:<password>@localhost:5432/extension",
    "postgres://user:password@localhost:5432/cache",
    "keytool -list -keystore import.jks -storepass:env KS_PASS",
    'secret "ticket-db" not found in namespace "handler"',
    'secrets "db-tls" is forbidden: User "system:serviceaccount:a:b" cannot get resource',
    "Authorization: Basic <base64(client_id:client_secret)>",
    "Set-Cookie: session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "export AWS_SECRET_ACCESS_KEY=$(aws ssm get-parameter --name /message/key --query Parameter.Value)",
    "    password: str = Field(min_length=13, description=\"The user's password\")",
    "Cache restored from key: Linux-pip-bcbc65666b67ef90493bac708cc50f7208264e6a8c1fd746c899467701357e8e",
    "$password = password_hash($_POST['password'], PASSWORD_DEFAULT);",
    "'password' => bcrypt($request->password),",
    r"regex: /(?:password|passwd|pwd)\s*[:=]\s*\S+/gi",
    "DB_PASSWORD=${DB_PASSWORD:?err}",
    "INFO ThreadId(76) subnet::webhook: src/router.rs:388: retry=2",
    "GTIN 5011221502414 price 95.99",
    "fatal: could not read Password for 'https://ec2-user@github.com': terminal prompts disabled",
    "req_01ea2Ja1joaIcGPLR1pMTBTg 503",
    "chatcmpl-LYhwTv2GGLVMWQWqkVLs2Z6sFGuGP model=gpt-4o",
    "cus_1kAk2nWAZqvXQj1Jo7AvVW17 has no open invoice",
    "| login | password |",
    "Authorization Code: useful when the client acts for a user",
    "      id-token: write # Required for OIDC authentication",
    "\t\tSecretKey:    envKey,\n",
    "finding.Secret = groups[r.SecretGroup]",
    "f.Secret = strings.TrimSpace(f.Secret)",
    "credential = ChainedTokenCredential(\n",
    "array{access_token: non-empty-string, password: string|null}",
    '      "license": "BlueOak-1.0.0",',
    "cache key fdc49353049af7bf5de41252e227993f64053e5e",
    "lookup key 3410c423d3859310447443d982898e23 hit",
    "token_url=https://auth.example.com/oauth2/v1/token0123456789",
    "password_policy_minimum_length=12",
    "the token DeploymentStrategyDefaultsAndMore was read",
    "tokens[0] = first",
    '{"name":"set_password","arguments":{"n":1}}',
    '{"name":"reset_password","title":"x"}',
    '"first_name":{"type":"string","description":"Given name"}',
    '"password":{"type":"string"}',
    '{"properties":{"password":{"type":"string","description":"The password to set","minLength":8},"token":{"anyOf":[{"type":"string"},{"type":"null"}],"default":null}},"required":["password"]}',
    '{\\"properties\\":{\\"password\\":{\\"type\\":\\"string\\",\\"description\\":\\"The password to set\\"}}}',
    '"note": "@x.command()"',
    "password = getpass()",
    'password = getpass.getpass("Password: ")',
    "api_key = os.environ['API_KEY']",
    'api_key=os.getenv("API_KEY")',
    "password=process.env.X",
    "const token = process.env.GITHUB_TOKEN;",
    'token = request.headers.get("x")',
    "token = req.headers['authorization']",
    "password: <your-password> { metadata: undefined }",
    "blocks 570439618317",
    'password = config.get("db", "password")',
    "secret = settings.SECRET_KEY",
    "self.password = password",
    "api_key=api_key,",
    'password = input("Password: ")',
    "password: str = Field(...)",
    "def login(user, password):",
    "token = await get_token(user)",
    "token = generate_token()",
    'return {"token": token, "user": user}',
    'client_secret=os.environ.get("CLIENT_SECRET", "")',
    "password=self.password",
    "password = user.password",
    'if password == "":',
    "password = None",
    "auth = (user, password)",
    "Authentication failed: invalid password for user bob",
    "Unexpected token < in JSON at position 0",
    "password required",
    "Password: required",
    'missing key "password" in config',
    '"password" "is required"',
    "the password field must be set",
    "token=sk-ab12...",
    "api_key: sk-...9f2a",
    "key: value",
    "secret: sk-****1234",
    "password => hash",
    "setenv PATH /usr/bin",
    "AUTH required",
    "set password successfully",
    "Session closed",
    "Session timeout expired",
    "vault login failed",
    "net user management",
    "code: 42",
    "password changed for user bob",
    "SELECT password FROM users WHERE id = 7",
    "SELECT id, password, n FROM users",
    "INSERT INTO t (id,password) VALUES (?, ?)",
    "INSERT INTO t (id,password) VALUES ($1, $2)",
    '{"name":"password","type":"string","required":true}',
    '{"name":"password","in":"query","description":"The password"}',
    '["password","username"]',
    '["token", "name", "value"]',
    '{"required":["password","username"]}',
    "fields: password, username, email",
    "token | name | value",
    "| token | string | The token |",
    "password -> validate",
    "auth -> handler",
    '{"level":"info","logger":"ticket","data":"Indexed 4592 files in 931ms"}',
    "Map(token -> count)",
    "Das Passwort ist abgelaufen",
    "- password — the password of the account",
    "token[index2] and password[0]",
    "password: {{ .Values.db.password }}",
    'variable "password" { type = string }',
    '{"name": "token", "before": "x", "kind": "a"}',
]


def redacted(text: str) -> str:
    lines = RUN.redact(text.encode().split(b"\n")).lines
    return MASK.sub("#", b"\n".join(lines).decode())


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("pair", PAIRS)
def test_the_value_goes_and_nothing_beside_it(pair: str, password: str) -> None:
    line = pair.replace("{P}", password).replace("{T}", TOKEN)
    assert redacted(line) == pair.replace("{P}", "#").replace("{T}", "#")


@pytest.mark.parametrize("quote", ["'", "`", "&#x27;", "%27"])
def test_a_value_that_nothing_closes_ends_with_the_string_of_json_that_it_stands_in(quote: str) -> None:
    cut = redacted(f"""{{"log": "password={quote}{PASSWORDS[0]} and", "stream": "stderr", "n": 1}}""")
    assert cut.endswith('", "stream": "stderr", "n": 1}')
    assert PASSWORDS[0] not in cut


def test_base64_that_begins_with_a_slash_is_no_path() -> None:
    assert redacted('{"appSecret": "/6GrkDQMq3Z2cS3i2ooCnKAx/pcrcUTJ"}') == '{"appSecret": "#"}'
    for path in ("/var/lib/docker/overlay2/4csjtl31z28w3oom0r3abcdef/merged", "/home/bob/MyGreatProject2024/src"):
        assert redacted(f"PWD={path}") == f"PWD={path}"


def test_a_name_on_the_line_above_does_not_keep_a_secret() -> None:
    for name in ("arn:aws:s3:::inlet-cedar", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"):
        found = KeyedValues(COMPILED.rules).find(text := f"\n{name}\napi_key: {TOKEN}; next\n".encode(), text.index(b": ") + 1)
        assert [text[start:end].decode() for start, end, _ in found] == [TOKEN]


@pytest.mark.parametrize("line", HARMLESS)
def test_code_schemas_and_messages_stay(line: str) -> None:
    assert redacted(line) == line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("password: correct horse battery", "password: #"),
        ("  password: correct horse battery # as agreed", "  password: # # as agreed"),
        ("saw password: hunter2 in a line", "saw password: # in a line"),
        ("password: required for this user", "password: required for this user"),
        ("https://x-access-token:Tr0ub4dor3x@github.com/a/b", "https://x-access-token:#@github.com/a/b"),
        ("Cookie: sid=a8Fk20dkeL31sPq7; Path=/; n=1", "Cookie: sid=#; Path=/; n=#"),
        ("Cookie: theme=dark; sid=a8Fk20dkeL31sPq7; lang=x9Kq2", "Cookie: theme=dark; sid=#; lang=#"),
        ("password        = hunter2x", "password        = #"),
        ("set the password to 'Thomas564*' please", "set the password to '#' please"),
        ("UID=sa;PWD=falcon winter buster;Encrypt=true", "UID=sa;PWD=#;Encrypt=true"),
        ("UID=sa;PWD=falcon winter buster was refused", "UID=sa;PWD=# winter buster was refused"),
        ("caller_id: (08) 9162 0428", "caller_id: #"),
        ("to_number=4155550123 200 12ms", "to_number=# 200 12ms"),
        ("+ password = (sensitive value)", "+ password = (sensitive value)"),
        ("stripe_key_prod=Zk3vQ9mXw7LpRt2YbN8s", "stripe_key_prod=#"),
        ("curl --user roger23@example.com:pQ9wTxu4Fg https://x.example", "curl --user #:# https://x.example"),
        ("postgres://app:s3cr3tPW@db.example.com", "postgres://app:#@db.example.com"),
        ('{"node_modules/js-tokens": {"integrity": "sha512-RdJUflcE3cUz"}}', '{"node_modules/js-tokens": {"integrity": "sha512-RdJUflcE3cUz"}}'),
        ('Authorization: Hawk id="a", nonce="b", mac="xK9fQ2mWp7LzR4tBn8"', 'Authorization: Hawk id="a", nonce="b", mac="#"'),
        (
            "INSERT INTO t (id, password) VALUES (1, 'one2!'), (2, E'two3!')",
            "INSERT INTO t (id, password) VALUES (1, '#'), (2, E'#')",
        ),
        ("INSERT INTO t (password, id) VALUES (MD5('one2!'), 1)", "INSERT INTO t (password, id) VALUES (MD5('#'), 1)"),
    ],
)
def test_what_a_value_ends_with_depends_on_where_it_stands(line: str, expected: str) -> None:
    assert redacted(line) == expected


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "ПАРОЛЬ",
        "Пароль",
        "contraseña",
        "CONTRASEÑA",
        "密码",
        "パスワード",
        "비밀번호",
        "كلمة المرور",
        "סיסמה",
        "गुप्त शब्द",
        "mật khẩu",
        "şifre",
        "Гасло",
        "clave",
    ],
)
@pytest.mark.parametrize("joined", ["{}: {}", "{}={}", '"{}":"{}"', "{}：{}", "'{}': '{}'", "{}  :  {}"])
def test_a_password_is_one_in_any_language(key: str, joined: str) -> None:
    assert redacted(joined.format(key, "Tr0ub4dor&3x!")) == joined.format(key, "#")


@given(st.binary(max_size=80), st.sampled_from([b"password", b"api_key", b"Set-Cookie", b"token"]), st.binary(max_size=200))
def test_any_bytes_around_a_key_give_spans_within_the_text(before: bytes, key: bytes, after: bytes) -> None:
    buffer = b"\n" + before + key + after + b"\n"
    keyed = KeyedValues(COMPILED.rules)
    for at in range(len(before) + len(key) + 2, min(len(buffer), len(before) + len(key) + 8)):
        for start, end, rule in keyed.find(buffer, at):
            assert 0 <= start < end <= len(buffer)
            assert 0 <= rule < len(COMPILED.rules)


def test_a_key_within_a_leaf_of_what_its_name_holds_is_judged_by_itself() -> None:
    line = b'{"api_key":{"note":"the words api_key: k9x2 and more of the usual words of this sentence","y":"okokok"}}'

    assert b"k9x2" not in RUN.text(line)


def test_a_plan_tells_the_old_and_the_new_value() -> None:
    assert redacted('  ~ password = "abc12345" -> "Haven5566$"') == '  ~ password = "#" -> "#"'


@pytest.mark.parametrize(
    "line",
    [
        "Kennwort: erforderlich",
        "contraseña: no definida",
        "mot de passe : obligatoire",
        "Пароль: не задан",
        "密码：未设置",
        "비밀번호: 필수",
        "كلمة المرور: مطلوبة",
        "jwt: malformed",
        "passwd: files systemd",
        "cookies: enabled, SameSite=Lax",
        r'{"msg": "Passwort ge\u00e4ndert f\u00fcr Benutzer bob"}',
        r'{"msg": "senha: obrigat\u00f3ria"}',
    ],
)
def test_that_there_is_no_password_is_said_in_any_language(line: str) -> None:
    assert redacted(line) == line


@pytest.mark.parametrize("line", ["Пароль: не Ночь42", "Passwort: Sommerregen", "contraseña: no pasaran 1936", r"Passwort: Stra\u00dfe42"])
def test_a_password_that_begins_as_a_state_does_is_one(line: str) -> None:
    assert "#" in redacted(line)
    assert not redacted(line)[-2:].isdigit()


def test_a_reference_names_a_secret_and_holds_none() -> None:
    pod = '{"volumes":[{"name":"certs","secret":{"secretName":"db-tls","defaultMode":420}}],"imagePullSecrets":[{"name":"regcred"}]}'

    assert redacted(pod) == pod
    assert redacted("helm upgrade web --set auth.existingSecret=web-auth") == "helm upgrade web --set auth.existingSecret=web-auth"
    assert redacted('{"secret":{"name":"db-tls","value":"Haven5566$"}}') == '{"secret":{"name":"db-tls","value":"#"}}'
    assert redacted('{"secret":{"name":"q7Zp0Lk2vX9sTb4Wm8"}}') == '{"secret":{"name":"#"}}'
    assert redacted('{"password":{"name":"Haven"}}') == '{"password":{"name":"#"}}'


def test_a_program_compares_a_password_with_a_variable_and_a_shell_with_a_value() -> None:
    assert redacted("if (password !== confirmPassword) return") == "if (password !== confirmPassword) return"
    assert redacted("if (password != password2) {") == "if (password != password2) {"
    assert redacted("if password == hunter2 then") == "if password == # then"
    assert redacted("password = confirmPassword7!") == "password = #"


def test_a_test_that_has_passed_is_no_password() -> None:
    assert redacted("--- PASS: TestTokenExpiry (0.33s)") == "--- PASS: TestTokenExpiry (0.33s)"
    assert redacted("PASS: tests/auth/basic.sh") == "PASS: tests/auth/basic.sh"
    assert redacted("PASS: hunter2x") == "PASS: #"
    assert redacted("PASS: x/y1zQ") == "PASS: #"
    assert redacted("PASS: TestHaven55") == "PASS: #"
    assert redacted("--- PASS: Haven5566$") == "--- PASS: #"


def test_a_variable_of_windows_is_not_decoded() -> None:
    assert redacted("PASSWORD=%DB_PASSWORD%") == "PASSWORD=%DB_PASSWORD%"
    assert redacted("PASSWORD=%DBaven%35566") == "PASSWORD=#"
    assert redacted("PASSWORD=%DB_AB%41ven") == "PASSWORD=#"


def test_what_graphql_calls_its_types_is_no_password() -> None:
    query = "mutation Login($email: String!, $password: String!) { login(email: $email, password: $password) { token } }"

    assert redacted(query) == query
    assert redacted("password: Stringent!7") == "password: #"


@pytest.mark.parametrize(
    "line",
    [
        """{"errors":{"password":["can't be blank","is too short (minimum is 6 characters)"]}}""",
        '"password": ["This field may not be blank."]',
        "password: must contain a digit",
        '{"password":{"changed":true,"at":"2016-01-07T14:00:55Z"}}',
        '{"type":"text","text":"<div name=\\"password\\">"}',
        '{"type":"text","text":"v-model=\\"form.password\\""}',
        "id,email,password,created_at,last_login",
        '$Password = Read-Host -AsSecureString "Password"',
        "secrets: inherit",
        "s3: PutObject key=loader/3aa8b907/schema.sql",
    ],
)
def test_what_is_said_of_a_password_is_none(line: str) -> None:
    assert redacted(line) == line


def test_what_only_begins_like_a_message_is_a_password() -> None:
    assert redacted('"password": "must contain Haven5566"') == '"password": "#"'
    assert redacted('"password": "too many secrets"') == '"password": "#"'
    assert redacted("password: correct horse battery staple") == "password: #"
    assert redacted('{"type":"text","text":"name=\\"password\\" value=\\"Haven5566$\\""}').count("#") == 1
    assert redacted("alice,password,correct-horse-battery") == "alice,password,#"
    assert redacted("id,email,password,Haven5566") == "id,email,password,#"
    assert redacted("cookies: accepted; sid=8f14e45fceea167a").startswith("cookies: accepted; sid=#")
    assert redacted("Cookie: on abc8f14e45fceea167a") == "Cookie: #"
    assert redacted("password: `cat5Haven66`") == "password: `#`"


def test_a_row_in_a_string_ends_with_the_string() -> None:
    line = '{"event": "id|email|password|created_at", "request": "worker"}'

    assert redacted(line) == line
    assert redacted('{"event": "id|password|Haven5566", "request": "worker"}') == '{"event": "id|password|#", "request": "worker"}'


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("Set-Cookie:session=4OHsMTSnKxDrBdi00J1Vpa624INnexH6VsC_GOxv; Path=/; HttpOnly", "Set-Cookie:session=#; Path=/; HttpOnly"),
        ("map[Set-Cookie:[auth=7QOGdXsLNllReb_3mELdWSUqKL-LAKST; Secure]]", "map[Set-Cookie:[auth=#; Secure]]"),
        ("<td>cookie=MzczNTk5MDI5NTA3MjI1JTIwd2FzJTIwcmVqZWN0ZWQ=</td>", "<td>cookie=#>"),
        ("cookie: Zk3vQ9mXw7LpRt2YbN8sHdF=", "cookie: #"),
        ("Set-Cookie: connect.sid=; Path=/", "Set-Cookie: connect.sid=; Path=/"),
        ("npx -y server --token delta-cedar-grove40 -v", "npx -y server --token # -v"),
        ("npx -y server --token qgTr~HzCCGHTP~ -v", "npx -y server --token # -v"),
        ("SIGNING_KEY -> YocwdVcJmPZCZUZHGjBWCUYf", "SIGNING_KEY -> #"),
        ("signing_key -> TheGreatConfigurationManager", "signing_key -> TheGreatConfigurationManager"),
        ("token -> delta-cedar-grove", "token -> delta-cedar-grove"),
        ("New session, sessionId: ONABILUUEYFL692a31fada00b40acf5e", "New session, sessionId: #"),
        ("{'bearer': np.str_('Zk3vQ9mXw7LpRt2YbN8s')}", "{'bearer': np.str_('#')}"),
    ],
)
def test_a_value_goes_and_what_is_said_of_it_stays(line: str, clean: str) -> None:
    assert redacted(line) == clean


@pytest.mark.parametrize("before", ["password", "password ", "password: ", "db.password. "])
@pytest.mark.parametrize("dots", [3, 4, 5, 40, 100])
def test_dots_lead_to_a_value_however_many_they_are(before: str, dots: int) -> None:
    line = f"{before}{'.' * dots}: Zk3vQ9mXw7"
    assert RUN.text(line.encode()).decode() == f"{before}{'.' * dots}: [REDACTED:password]"


def test_dots_that_lead_nowhere_are_passed_over() -> None:
    assert len(RUN.scanner.everywhere.hits(b"\na line" + b"." * 1000 + b"\n")) < 10
