package redact_test

import "testing"

// thirdForms were written after the rules for secondForms; this is the corpus
// whose first number counts.
func thirdForms() []form {
	return []form{
		{"", "ERROR sqlalchemy.pool: could not connect: (psycopg.OperationalError) connection to server failed: password=$S host=$W"},
		{"", "io.lettuce.core.RedisConnectionException: Unable to connect to redis://:$S@$W:6379"},
		{"", "Unhandled rejection Error: auth failed { code: 'EAUTH', opts: { user: '$W', pass: '$S' } }"},
		{"", "goroutine 1 [running]:\nmain.connect({0xc000, 0x10}, \"password=$S\")\n\t/app/main.go:$D"},
		{"", "thread 'main' panicked: called `Result::unwrap()` on Err(InvalidToken { token: \"$S\" })"},
		{"", "java.lang.IllegalArgumentException: bad credentials: Credentials{user=$W, secret=$S}"},
		{"", "System.Exception: Login failed. ConnectionString: Server=$W;Uid=$W;Pwd=$S;"},
		{"", "Microsoft.Data.SqlClient: \"ConnectionStrings\":{\"Default\":\"Server=$W;User=sa;Password=$S\"}"},
		{"", "RuntimeError: Invalid API key '$S'"},
		{"", "Fatal error: Uncaught PDOException: PDO->__construct('mysql:host=db', 'root', '$S')"},
		{"", "DEBUG: env={'HOME': '/root', 'API_SECRET': '$S', 'LANG': 'C'}"},
		{"", "environ({'DB_PASSWORD': '$S', 'PATH': '/bin'})"},
		{"", "OrderedDict([('user', '$W'), ('password', '$S')])"},
		{"", "defaultdict(<class 'str'>, {'client_secret': '$S'})"},
		{"", "User(id=$D, name='$W', api_token='$S')"},
		{"", "<User $W: password=$S>"},
		{"", "{:user=>\"$W\", :api_secret=>\"$S\"}"},
		{"", "&http.Request{Header:http.Header{\"X-Api-Key\":[]string{\"$S\"}, \"Accept\":[]string{\"*/*\"}}}"},
		{"", "config.Config{DB:config.DB{Password:\"$S\"}, Debug:true}"},
		{"", "(*config.DB)(0xc0000){\n Host: (string) (len=5) \"$W\",\n Password: (string) (len=30) \"$S\"\n}"},
		{"", "DbConfig { url: \"$W\", password: Secret(\"$S\") }"},
		{"", "HeaderMap { inner: {\"x-api-key\": HeaderValue { inner: String(\"$S\") }} }"},
		{"", "{\"msg\":\"config\",\"db_password\":\"$S\",\"time\":1764500000}"},
		{"", "{\"event\":\"login\",\"params\":{\"login\":\"$W\",\"password\":\"$S\",\"otp\":\"\"}}"},
		{"", "{\"headers\":{\"authorization\":[\"Bearer $S\"],\"host\":[\"$W\"]}}"},
		{"", "{\"request\":{\"headers\":[[\"x-api-key\",\"$S\"],[\"accept\",\"*/*\"]]}}"},
		{"", "body=\"{\\\"refresh_token\\\":\\\"$S\\\",\\\"grant_type\\\":\\\"refresh_token\\\"}\""},
		{"", "payload: %7B%22password%22%3A%22$S%22%7D"},
		{"", "{\"config\":\"{\\\\n  \\\\\\\"api_key\\\\\\\": \\\\\\\"$S\\\\\\\"\\\\n}\"}"},
		{"", "form: password=$S&password_confirmation=$S&email=$W%40example.com"},
		{"", "multipart: name=\"api_key\"\r\n\r\n$S\r\n--boundary"},
		{"", "--$H\nContent-Disposition: form-data; name=\"password\"\n\n$S\n--$H--"},
		{"", "* Using HTTP2\n* h2 [x-api-key: $S]\n* h2 [accept: */*]"},
		{"pair", "* [HTTP/2] [1] [authorization: Basic $S]"},
		{"", "GET /socket.io/?token=$S&EIO=4&transport=websocket"},
		{"", "Location: https://app.$W.example/callback#access_token=$S&token_type=Bearer&expires_in=3600"},
		{"", "302 https://$W.example/cb?code=$S&state=xyz"},
		{"hex", "https://$W.example/download?file=a.zip&signature=$S"},
		{"", "nginx: 10.0.0.1 - $W \"GET /api?api_key=$S HTTP/1.1\" 401 12"},
		{"", "[debug] <- 250-AUTH LOGIN PLAIN\n[debug] -> PASS $S"},
		{"", "IMAP: A001 LOGIN $W@$W.example \"$S\""},
		{"", "redis: AUTH $S"},
		{"", "127.0.0.1:6379> AUTH default $S"},
		{"", "CREATE USER $W WITH PASSWORD '$S';"},
		{"", "ALTER ROLE app PASSWORD '$S' VALID UNTIL 'infinity'"},
		{"", "CREATE USER 'app'@'%' IDENTIFIED BY '$S'"},
		{"", "SET PASSWORD FOR 'root'@'localhost' = '$S'"},
		{"", "INSERT INTO tokens (user, api_token) VALUES ('$W', '$S')"},
		{"", "UPDATE settings SET smtp_password='$S' WHERE id=1"},
		{"", "COPY INTO x CREDENTIALS=(AWS_KEY_ID='AKIAIOSFODNN7EXAMPLE' AWS_SECRET_KEY='$S')"},
		{"", "Setting environment variable DB_PASSWORD to $S"},
		{"", "Loaded secret DB_PASSWORD ($S) from vault"},
		{"", "password changed from $W to $S"},
		{"", "export DB_PASSWORD='$S' && ./run"},
		{"", "DB_PASSWORD=$S docker compose up -d"},
		{"", "docker run -e POSTGRES_PASSWORD=$S -p 5432:5432 postgres"},
		{"", "docker run --env MYSQL_ROOT_PASSWORD=$S mysql"},
		{"", "docker secret: printf %s '$S' | docker secret create db_password -"},
		{"", "kubectl -n x patch secret y -p '{\"stringData\":{\"password\":\"$S\"}}'"},
		{"", "kubectl set env deploy/x API_TOKEN=$S"},
		{"", "podman login --username $W --password $S quay.io"},
		{"", "ssh-add: Enter passphrase for key: $S"},
		{"", "gpg --batch --passphrase $S -d x.gpg"},
		{"", "openssl pkcs12 -export -password pass:$S -out x.p12"},
		{"", "java -jar x.jar --spring.datasource.password=$S"},
		{"", "psql \"host=$W user=app password=$S\""},
		{"", "mysqldump --host=$W --password='$S' app"},
		{"", "curl -u admin:$S http://$W:9200/_cat"},
		{"", "curl -H 'PRIVATE-TOKEN: $S' https://gitlab.example/api"},
		{"", "wget --header=\"Authorization: token $S\" https://x.example"},
		{"", "git remote add origin https://$W:$S@gitlab.$W.example/x.git"},
		{"", "pip install --index-url https://__token__:$S@pypi.$W.example/simple x"},
		{"", "Invoke-RestMethod -Headers @{ 'X-Api-Key' = '$S' }"},
		{"", "$$cred = New-Object PSCredential('admin', (ConvertTo-SecureString '$S' -AsPlainText -Force))"},
		{"", "[Service]\nEnvironment=\"API_TOKEN=$S\" \"PORT=$D\""},
		{"", "<server>\n  <username>$W</username>\n  <password>$S</password>\n</server>"},
		{"", "systemProp.https.proxyPassword=$S"},
		{"", "signing.password=$S\n"},
		{"", "storePassword=$S\nkeyAlias=x"},
		{"", "  mail:\n    smtp:\n      auth_password: '$S'\n"},
		{"", "elastic:\n  password: $S # generated\n"},
		{"", "auths:\n  - {host: $W, token: $S}\n"},
		{"", "secrets:\n  stripe:\n    secret_key: \"$S\"\n"},
		{"", "args: [\"--api-token\", \"$S\"]"},
		{"", "args:\n  - --api-token\n  - $S\n"},
		{"", "command: [\"sh\",\"-c\",\"TOKEN=$S exec app\"]"},
		{"", "provider \"x\" {\n  token = \"$S\"\n}"},
		{"", "  # module.db.random_password.this will be created\n      + result = \"$W\"\n      + master_password = \"$S\""},
		{"", "<td>API key</td><td>$S</td>"},
		{"", "**Password:** $S"},
		{"", "- **API token**: `$S`"},
		{"", "| Password | `$S` |"},
		{"", "Username: $W\nPassword: $S\nURL: https://$W.example"},
		{"", "login: $W / password: $S"},
		{"", "用户名：$W 密码：$S"},
		{"", "\"密码\":\"$S\""},
		{"", "contraseña: $S"},
		{"armour", "{\"log\":\"-----BEGIN PRIVATE KEY-----\\n\",\"stream\":\"stdout\"}\n{\"log\":\"$S\\n\",\"stream\":\"stdout\"}"},
		{"armour", "Nov 01 10:00:00 host app[12]: -----BEGIN RSA PRIVATE KEY-----\nNov 01 10:00:00 host app[12]: $S\nNov 01 10:00:00 host app[12]: -----END RSA PRIVATE KEY-----"},
		{"armour", "privateKey: |-\n  -----BEGIN PRIVATE KEY-----\n  $S\n  -----END PRIVATE KEY-----"},
		{"armour", "key=\"-----BEGIN EC PRIVATE KEY-----\\r\\n$S\\r\\n-----END EC PRIVATE KEY-----\\r\\n\""},
		{"armour", "['-----BEGIN PRIVATE KEY-----', '$S', '-----END PRIVATE KEY-----']"},
		{"key", "Using token: $S"},
		{"key", "Loaded credentials ($S)"},
		{"key", "WARN  c.a.s.Client - 401 Unauthorized, key=$S"},
		{"key", "Header set: X-Key $S"},
		{"key", "{\"k\":[\"$S\",null]}"},
		{"key", "printf '%s' \"$S\""},
		{"key", "sk=$S&v=1"},
		{"key", "user said: 我的密钥是$S，谢谢"},
		{"key", "https://x.example/#/login?t=$S"},
	}
}

func thirdFamilies() []family {
	of := func(name string, f func(c corpus) string) family { return family{name, f} }
	plain := func(prefix, alphabet string, n int) family {
		return of(prefix, func(c corpus) string {
			return prefix + c.text(alphabet, n/2) + c.text(digits, 1) + c.text(alphabet, n-n/2-1)
		})
	}
	return []family{
		plain("sk-lf-", hexDigits, 36), plain("zpka_", hexDigits, 41), plain("nuvk_", alnum, 40), plain("or_key_", alnum, 44), plain("mcp_live_", alnum, 40), plain("acme_sk_", alnum, 48),
		plain("ucat_v2_", alnum, 40), plain("hsp_", alnum, 44), plain("depot_org_", hexDigits, 64), plain("dt_token_", hexDigits, 40), plain("relic-api-", alnum, 40), plain("gitea_pat_", hexDigits, 40),
		plain("xoxb-17653672481-", alnum, 40), plain("glpat-", urlSafe, 20), plain("sk-proj-", urlSafe, 156), plain("hf_", letters, 34), of("aws id", func(c corpus) string { return "AKIA" + c.text(uppers+"234567", 16) }), plain("ya29.a0A", urlSafe, 180),
	}
}

func thirdOrdinary() []string {
	return []string{
		"AUTH LOGIN PLAIN", "250-AUTH LOGIN", "PASS: TestRotateToken (0.0$Ds)", "--- PASS: TestPassword/$W (0.0$Ds)", "PASS", "AUTH failed for $W", "redis: AUTH required", "NOAUTH Authentication required.", "LOGIN $W failed", "ok openclaw/$W $D.1s",
		"CREATE USER $W WITH LOGIN", "IDENTIFIED BY PASSWORD", "SELECT token FROM sessions WHERE id=$D", "INSERT INTO tokens (user, api_token) VALUES (?, ?)", "ALTER ROLE app PASSWORD NULL", "GRANT SELECT ON secrets TO $W",
		"password changed from $W", "Password for user $W:", "Enter passphrase for key '/home/$W/.ssh/id_ed25519':", "Setting environment variable DB_PASSWORD", "Loaded secret DB_PASSWORD from vault", "secret DB_PASSWORD (v$D) loaded",
		"<td>API key</td><td>required</td>", "**Password:** at least 12 characters", "- **API token**: see the settings page", "| Password | required |", "| api_key | string | the key of the provider |", "login: $W / password: ask $W", "Username: $W\nPassword:\nURL: x",
		"args:\n  - --token-file\n  - /run/secrets/$W", "args: [\"--token\", \"$$(TOKEN)\"]", "env:\n  - name: TOKEN\n    valueFrom: {}", "      + password = (sensitive value)", "~ secret_key = (sensitive value)", "password_wo = null",
		"func (c *Client) SetToken(token string) error {", "def login(username: str, password: str) -> Token:", "public void setPassword(String password) {", "fn verify(token: &str, key: &[u8]) -> bool {", "const hashed = await bcrypt.hash(password, 10);", "if password != confirm_password:", "return token.value == other.value", "private readonly token: string;", "password: Optional[str] = None", "token: string | undefined = undefined;", "@Value(\"$${db.password}\") private String password;", "password = input(\"Password: \")", "secret = hmac.new(key, msg, sha256)", "self.token = token", "let password = prompt('Password?')", "key = os.urandom(32)", "token := strings.TrimPrefix(h, \"Bearer \")", "type Secret struct { Name string }", "secret: &Secret{}", "password=$$1", "export TOKEN=$$(cat /run/token)", "PASSWORD=`pwgen 20`",
		"Compiling tokenizers v0.$D.0", "Downloaded secrecy v0.8.0", "Successfully installed tokenizers-0.$D.0 passlib-1.7.4", "npm warn deprecated keytar@7.9.0", "added $D packages, and audited $D packages", "github.com/golang-jwt/jwt/v5 v5.2.$D h1:OuVbFODueb089Lh128TAcimifWaLhJwVflnrgM17wHk=", "\"resolved\": \"https://registry.npmjs.org/jsonwebtoken/-/jsonwebtoken-9.0.2.tgz\"", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"prompt_tokens=$D completion_tokens=$D", "max_output_tokens: $D", "stop_reason=max_tokens", "thinking budget_tokens: $D", "cache_creation_input_tokens=$D", "tokens/s: $D.4", "token limit exceeded ($D > $D)", "context window: 200000 tokens", "logit_bias: {\"$D\": -100}", "tool_use id=toolu_01A09q90qw90lq917835lq9", "message id msg_013Zva2CMHLNnXjNJJKqJ2EF", "model=claude-opus-4-20250514", "anthropic-version: 2023-06-01", "x-request-id: req_011CSHoEeqs5C35K2UUqR7Fy",
		"The key to this problem is patience.", "She forgot her password again.", "This token of appreciation", "A secret is only as safe as the person who keeps it.", "Do not share your API key with anyone.", "The pass was closed by snow.", "My password manager is $W.", "passphrases should be long", "密码学是一门科学", "他忘记了密码", "这个密钥是公开的", "パスワードを忘れた方はこちら",
		"0x7ffeefbff5c8 -> 0x7ffeefbff5d0", "addr=0xc000123456 len=32", "uuid=$H", "pid=$D tid=$D", "lat=52.520008 lon=13.404954", "2026-11-01T10:00:00.123456789Z", "MAC 00:1b:44:11:3a:b7", "::1 fe80::1ff:fe23:4567:890a", "$H$H.jpg", "rev $H dirty", "blob $H", "ObjectId(\"507f1f77bcf86cd799439011\")", "ISBN 978-3-16-148410-0", "IBAN missing", "v1.2.3-0.20210921155107-089bfa567519", "BenchmarkToken-2  1000000  1043 ns/op",
	}
}

func TestThirdBlindCorpus(t *testing.T) {
	recall, altered := measureBlind(t, thirdForms(), thirdFamilies(), thirdOrdinary())
	if recall < 99.5 || altered > 0.1 {
		t.Errorf("recall %.2f %%, altered %.2f %%", recall, altered)
	}
}
