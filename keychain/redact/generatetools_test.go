package redact_test

import (
	"net/url"
	"strings"
)

// The texts of this file are of programs, languages and formats that the other two do
// not have. They were written without a look at the rules, which missed 15 to 20 % of
// the names and values in them at first.

// fill makes a line of a form: S is the secret, N a key's name, W a word, D
// three digits.
func (c corpus) fill(form, name, secret string) string {
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		if form[i] != '$' || i+1 == len(form) {
			b.WriteByte(form[i])
			continue
		}
		i++
		switch form[i] {
		case 'S':
			b.WriteString(secret)
		case 'U':
			b.WriteString(url.QueryEscape(secret))
		case 'N':
			b.WriteString(name)
		case 'E':
			b.WriteString(strings.ToUpper(name))
		case 'W':
			b.WriteString(c.word())
		case 'D':
			b.WriteString(c.text("123456789", 3))
		case 'H':
			b.WriteString(c.text(hexDigits, 32))
		case 'C': // a commit
			b.WriteString(c.text(hexDigits, 40))
		case 'L':
			b.WriteString(c.text(hexDigits, 64))
		case 'G':
			b.WriteString(c.uuid())
		case 'B':
			b.WriteString(c.text(base64Text, 43) + "=")
		default:
			b.WriteByte('$')
			b.WriteByte(form[i])
		}
	}
	return b.String()
}

// inTools puts a key of a known shape where many programs put one.
func (c corpus) inTools(secret string) string {
	return c.fill(c.pick(
		"Caused by: com.$W.ApiException: Invalid key provided: $S (code $D)",
		"KeyError: '$S'",
		`127.0.0.1 - - [25/Feb/2026:10:30:00 +0000] "GET /v1/$W?key=$U HTTP/2.0" 200 $D "-" "curl/8.5"`,
		`level=warn msg="got \"$S\"" n=$D`,
		"https://app.$W.example/#access=$U",
		"Cookie: $W=$D; k=$U; theme=dark",
		"$W\t$S\t$W",
		"('$W',NULL,'$S','2026-02-25'),",
		`  - "$S"`,
		`keys = ["$S", "$W"]`,
		"```\n$S\n```",
		"-$S",
		": 1700000$D:0;export X=$S",
		"Environment=K=$S",
		`"Env":["K=$S","PATH=/bin"]`,
		`[("$W", "$S")]`,
		"::add-mask::$S",
		"#<Client key=$S>",
		"https://$U:x-oauth-basic@git.example.com/$W",
		"https://oauth2:$U@git.example.com/$W.git",
		`"text":"\u0022$S\u0022"`,
		`$W\\n$S\\n$W`,
		"?a=1&b=$U;v=2",
		"%2F$U%2F",
		"%22$U%22%2C%22$W%22",
		"&lt;$S&gt;",
		"&#x27;$S&#x27;",
		"<k><![CDATA[$S]]></k>",
		"key($S)",
		"key→$S",
		"MESSAGE=key $S",
		`[]string{"$S"}`,
		"&{K:$S V:$D}",
		"map[k:$S $W:$D]",
		"$W[$D]: $S",
		"<https://x.example|$S>",
		"*$S*",
		"'$S',",
		`thread 'main' panicked at 'bad key: "$S"', src/main.rs:$D:5`,
		`{"argv":["curl","-H","x: $S"]}`,
		`time=2026-02-25T10:30:00Z err="401 Unauthorized: $S"`,
		`Some("$S")`,
		"K=$S;",
		"{{$S}}",
	), "", secret)
}

// valueOf is a value of no known shape, as people and programs make them.
func (c corpus) valueOf() string {
	switch c.IntN(6) {
	case 0:
		return c.text(alnum, 14) + c.text(digits, 2) + c.text(letters, 2+c.IntN(20))
	case 1:
		return c.text(hexDigits, 38) + "7b"
	case 2:
		return c.uuid()
	case 3:
		return strings.ToUpper(c.text(lowers, 1)) + c.text(lowers, 6) + c.text(digits, 4) + c.pick("", "!", "#")
	case 4:
		return c.text(urlSafe, 20) + "x4" + c.text(urlSafe, 10) + "Q"
	default:
		return c.text(uppers+digits, 4) + "7-" + c.text(uppers+digits, 5) + "-" + c.text(uppers+digits, 5) + "K"
	}
}

// namedInTools is such a value under a name, in the languages and formats of
// many programs.
func (c corpus) namedInTools() (line, secret string) {
	secret = c.valueOf()
	name := c.pick("password", "apiToken", "client_secret", "DATABASE_PASSWORD", "sharedSecret", "admin_password", "auth_token", "access_token",
		"secretKey", "api_key", "PRIVATE_TOKEN", "hmac_secret", "jwtSecret", "db_pass", "refresh_token", "apiKey")
	line = c.fill(c.pick(
		"//registry.example.com/:_authToken=$S",
		"jdbc:postgresql://h/db?user=u&$N=$U&ssl=true",
		"Data Source=h;User=u;$N='$S';Pooling=true",
		`  ~ $N = "$W" -> "$S"`,
		"host1 ansible_user=u ansible_ssh_pass=$S",
		"helm install x --set auth.$N=$S",
		"$N    =    $S",
		"mysql -u root --$N=$S db",
		"requirepass $S",
		"user=u&$N=$U&submit=1",
		`mutation{login($N:\"$S\"){ok}}`,
		"spring.mail.$N: $S",
		`client.set_$N("$S")`,
		`$N("$S")`,
		`$N = @"$S"`,
		`Config { host: "h", $N: Some("$S"), n: $D }`,
		`Config { $N: String::from("$S") }`,
		"Config(host='h', $N='$S', n=$D)",
		"$N: `$S`,",
		`$$$N = "$S";`,
		"ARG $E=$S",
		"      - $E=$S",
		`curl -d '$N=$S' https://h.example`,
		`curl -F $N=$S https://h.example`,
		`curl --data '{"$N":"$S"}' https://h.example`,
		"wget --http-password=$S https://h.example",
		"your new $N is $S",
		"$N is: $S",
		"using $N $S for $W",
		"$N '$S' is not valid",
		"invalid $N: $S",
		"wrong $N \"$S\" for user $W",
		"Authorization: ApiKey $S",
		"X-Api-Token: $S",
		"Cookie: theme=dark; session_token=$S",
		"%22$N%22%3A%22$U%22",
		"{&quot;$N&quot;:&quot;$S&quot;}",
		`"$N": ["$S"]`,
		"user[$N]=$S&x=1",
		`Parameters: {"user"=>{"$N"=>"$S"}}`,
		`<input type="hidden" name="$N" value="$S">`,
		`<setting name="$N"><value>$S</value></setting>`,
		`"app.$N": '$S'`,
		`$N = """$S"""`,
		"$N = '''$S'''",
		`declare -x $E="$S"`,
		"$E -> $S",
		"Invoke-X -$N $S -Force",
		`Invoke-X -$N "$S"`,
		"x.exe /$N:$S /q",
		"$N → $S",
		"$N:\t$S",
		`"$N":{"value":"$S","sensitive":true}`,
		`"$N": {"S": "$S"}`,
		`login failed for bob with $N '$S'`,
		"[$E] $S",
		`{"key":"$N","value":"$S"}`,
		`- {name: $E, value: $S}`,
		"$N=$S\\n$W=$D",
		`"$N" : "$S"`,
		"$N=\\\"$S\\\"",
		`{\"$N\":\"$S\"}`,
		"env $E=$S $W",
		"sudo $E=$S ./run",
		"$N=$S|$W=$D",
		"<$N value=\"$S\"/>",
		"$N.value=$S",
		"kubectl create secret generic x --from-literal $N=$S",
		"aws configure set $N $S",
		"gh secret set $E --body $S",
		"flyctl secrets set $E=$S",
		"heroku config:set $E=$S",
		"vault kv put secret/x $N=$S",
		"git -c http.extraHeader=\"$N: $S\" fetch",
		"const { $N = '$S' } = process.env",
		"$N ||= '$S'",
		"$N ?? \"$S\"",
		`process.env.$E || "$S"`,
		`os.getenv("$E", "$S")`,
		`getenv('$E') ?: '$S'`,
		`env("$E", default="$S")`,
		"$${$E:-$S}",
	), name, secret)
	return line, secret
}

// ordinaryInTools holds no secret.
func (c corpus) ordinaryInTools() string {
	return c.fill(c.pick(
		"Caused by: com.$W.TokenException: token is expired (code $D)",
		`127.0.0.1 - - [25/Feb/2026:10:30:00 +0000] "GET /token HTTP/2.0" 200 $D "-" "curl/8.5"`,
		"your password is too short", "the password is case sensitive", "token is: invalid", "the token is not yet valid for $W",
		"using token authentication for $W", "using password file /etc/$W/passwd", "invalid password: too short", "wrong password for user $W",
		`Config { token: None, password: Some(_), n: $D }`, `client.set_password(password)`, `token("$W")`, "api_key(user_id)", "getToken(\"$W\")",
		"[TOKEN] $W", "TOKEN -> $W", "password → $W", `"token": {"type": "string"}`, `"password":{"type":"string","minLength":$D}`,
		`"secret":{"name":"$W","key":"$W"}`, "secretKeyRef: {name: $W, key: $W}", "valueFrom: secretKeyRef", "user[password]=", "params[:password]",
		`os.getenv("API_KEY")`, `os.getenv("API_KEY", "")`, `env("TOKEN", default=None)`, `process.env.TOKEN || "$W"`, "$${TOKEN:-none}", "$${PASSWORD:?missing}",
		"const { token } = req.body", "token ??= null", "if (!token) return", "token?.kind === '$W'", "tokens[$D].text", "token[$D] = '$W'",
		"<input type=\"password\" name=\"password\" value=\"\">", `<label for="password">Password</label>`, `<setting name="password"><value></value></setting>`,
		"Password:\t", "x.exe /password:", "Get-Secret -Name $W", "Invoke-X -Password (Read-Host)", "ConvertTo-SecureString -AsPlainText",
		"sha1: $H", "ETag: \"$H\"", "X-Request-Id: $H", "Digest: SHA-256=$H", "md5 $H  $W.tar.gz", "Session-ID: none",
		"at com.$W.security.PasswordEncoder.encode(PasswordEncoder.java:$D)", "File \"/app/token.py\", line $D, in $W", "goroutine $D [running]: token.go:$D +0x1a",
		"rust: expected token `;`, found `$W`", "error TS1005: ',' expected. token $D", "SyntaxError: Unexpected token } in JSON at position $D",
		"tokens_per_second=$D.5 prompt_tokens=$D", "eval time = $D.12 ms / $D tokens ( 8.33 ms per token, 120.00 tokens per second)",
		"<|endoftext|> token id 50256", "bos_token_id=$D eos_token_id=$D", "pad_token = tokenizer.eos_token", "special_tokens_map.json", "tokenizer.json: $D MB",
		"GET /users/$D/tokens?page=2&per_page=50", "POST /v1/oauth/token 200 $Dms", "DELETE /api-keys/$D 204", "/reset-password/confirm",
		"secrets: inherit", "secrets.GITHUB_TOKEN is set", "uses: actions/create-github-app-token@v1", "id-token: write", "password-store: basic", "token: read-only",
		"vault: sealed, keys: 5, threshold: 3", "vault kv get secret/$W", "kubectl get secret $W -o yaml", "type: kubernetes.io/service-account-token",
		"secretName: $W-tls", "secret/$W configured", "secret \"$W\" created", "imagePullSecrets: [{name: $W}]", "tls.key: $D bytes",
		"pass: $D, fail: 0, skip: 2", "# pass $D", "PASS src/token.test.ts", "✓ rejects a wrong password ($D ms)", "pass 1 of 2: $W", "PASS_MAX_DAYS 99999", "bypassed=true",
		"UPDATE users SET password = ? WHERE id = $D", "ALTER USER $W WITH PASSWORD", "GRANT ALL ON $W.* TO '$W'@'%'", "column \"password\" does not exist", "token TEXT NOT NULL UNIQUE",
		"Bearer realm=\"$W\", error=\"invalid_token\"", "WWW-Authenticate: Basic realm=\"$W\"", "Access-Control-Allow-Headers: Authorization, X-Api-Key", "Vary: Authorization, Cookie",
		"Cookie: theme=dark; lang=$W", "Set-Cookie: lang=$W; Path=/", "cookie: accepted", "signature: ed25519", "signature verified for $W", "sig: none",
		"webhook: https://$W.example.com/hooks/in", "session_id: none", "credentials: include", "credentials: same-origin", "credential helper: $W", "credential.helper=osxkeychain",
		"private_key: null", "private key: $W.pem", "publicKey: $W", "ssh_host_key: ed25519", "foreign_key: user_id", "primary_key=id", "sort_key: created_at", "cache-key: $H", "key: $H",
		"hotkey: ctrl+shift+p", "keycode=$D", "keymap: emacs", "turnkey=$D", "access_key_id: see docs", "key_id=$W-$D", "kid: $W-2026", "idempotency-key: $W-$D",
	), "", "")
}
