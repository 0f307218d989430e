package redact_test

import (
	"encoding/base64"
	"flag"
	"fmt"
	"strings"
	"testing"
)

var blind = flag.Int("blind", 25, "lines of each form of the blind corpora")

// form is one way in which a secret stands in a log. Its text is filled as fill
// does it; kind says what the secret is.
type form struct{ kind, text string }

// secretOf is a secret of one kind, as it stands in the text.
func (c corpus) secretOf(kind string) string {
	switch kind {
	case "key": // of a known issuer
		all := families()
		return all[c.IntN(len(all))].make(c)
	case "human":
		return strings.ToUpper(c.text(lowers, 1)) + c.text(lowers, 5) + c.pick("-", ".", "_", "!", "*") + c.text(lowers, 4) + c.text(digits, 3)
	case "special":
		return c.text(letters, 4) + c.pick("!", "#", "$", "^", "*", "~") + c.text(alnum, 5) + c.pick("+", "?", "%", "@") + c.text(alnum, 4) + "3"
	case "base64":
		return c.text(base64Text, 42) + "9="
	case "pair": // user:password in base64
		return base64.StdEncoding.EncodeToString([]byte(c.word() + ":" + c.text(alnum, 14) + "4"))
	case "hex":
		return c.text(hexDigits, 62) + "c4"
	case "hex16":
		return c.text(hexDigits, 15) + "7"
	case "hex32":
		return c.text(hexDigits, 29) + "4e7"
	case "hex37":
		return c.text(hexDigits, 34) + "4e7"
	case "hex40":
		return c.text(hexDigits, 37) + "4e7"
	case "hex64":
		return c.text(hexDigits, 61) + "4e7"
	case "base32":
		return c.text(uppers+"234567", 30) + "A4"
	case "telegram":
		return "1" + c.text(digits, 9) + ":AA" + c.text(urlSafe, 33)
	case "hash": // of a password, as crypt(3) and htpasswd write it
		return c.pick("$apr1$"+c.text(alnum, 8)+"$"+c.text(alnum, 22), "$2y$10$"+c.text(alnum, 53), "$6$"+c.text(alnum, 16)+"$"+c.text(alnum, 86), "$5$"+c.text(alnum, 16)+"$"+c.text(alnum, 43))
	case "digits8":
		return c.text("123456789", 8)
	case "aws":
		return c.text(base64Text, 38) + "k7"
	case "uuid":
		return c.uuid()
	case "jwt":
		return c.jwt()
	case "escaped": // a value of a query
		return c.text(alnum, 20) + "%2B" + c.text(alnum, 18) + "5%3D"
	case "base64 of a value":
		return base64.StdEncoding.EncodeToString([]byte(c.valueOf()))
	case "words":
		words := make([]string, 12)
		for i := range words {
			words[i] = c.word()
		}
		return strings.Join(words, " ")
	case "armour": // a line of a PEM body
		return c.text(base64Text, 64)
	default:
		return c.valueOf()
	}
}

// Recall when each set was first tried, before any rule was changed for it: 66.5 % of the
// first, 80.4 % of the second, 83.8 % of the third, 69.3 % of the fourth, 74.3 % of the fifth,
// 76.1 % of the sixth, 84.7 % of the seventh, 88.4 % of the eighth, which the rules before the fourth found 66.7 %,
// 70.3 % and 75.7 % of; 0.7 %, 4.4 %, 1.9 %, 0 %, 1 %, 2.3 %, 1.5 % and 0 % of the ordinary lines
// were altered. Who wrote the eighth had seen the rules. They are hard on purpose: every form is of another kind and counts the same.

// blindForms were written before their writer had seen the rules, and measured
// before a rule was changed for them.
func blindForms() []form {
	return []form{
		// What languages print.
		{"", "DEBUG settings = Namespace(user='$W', db_password='$S', port=$D)"},
		{"", "cfg={Host:db.$W Port:5432 User:$W Password:$S SSLMode:disable}"},
		{"", `opts=&main.Options{Name:"$W", APISecret:"$S", Retries:$D}`},
		{"", "Config {\n    host: \"$W\",\n    api_secret: Some(\n        \"$S\",\n    ),\n}"},
		{"", "DataSourceProperties{url='jdbc:h2:mem', username='$W', password='$S'}"},
		{"", "Creds[user=$W, password=$S]"},
		{"", "LoginRequest(username=$W, password=$S, remember=true)"},
		{"", "array(2) {\n  [\"user\"]=>\n  string(3) \"$W\"\n  [\"password\"]=>\n  string(24) \"$S\"\n}"},
		{"", "Array\n(\n    [db_user] => $W\n    [db_password] => $S\n)"},
		{"human", `#<User id: $D, email: "$W@example.com", password: "$S", admin: false>`},
		{"", `#<struct Conn host="$W", secret_token="$S">`},
		{"", `#<Client:0x00007f @host="$W", @api_secret="$S">`},
		{"", `%{password: "$S", user: "$W"}`},
		{"", `[{user,"$W"},{password,"$S"},{port,$D}]`},
		{"", `{user,<<"$W">>},{password,<<"$S">>}`},
		{"", `{:db-password "$S", :user "$W"}`},
		{"", `LoginOptions { User = $W, Password = $S }`},
		{"", `  ["api_secret"] = "$S",`},
		{"", `DEBUG:app:b'{"user": "$W", "client_secret": "$S"}'`},
		{"", `Map(1) { 'access_token' => '$S' }`},
		{"", `[Object: null prototype] { user: '$W', client_secret: '$S' }`},
		// HTTP as programs dump it.
		{"pair", "> Authorization: Basic $S\r\n> User-Agent: curl/8.11"},
		{"pair", "> Proxy-Authorization: Basic $S"},
		{"", "< Set-Cookie: sessionid=$S; Path=/; HttpOnly; SameSite=Lax"},
		{"", "map[Accept:[*/*] Authorization:[Bearer $S] User-Agent:[Go-http-client/2.0]]"},
		{"", "map[Accept:[*/*] X-Api-Key:[$S]]"},
		{"", `[ 'Host', '$W', 'Authorization', 'Bearer $S' ]`},
		{"", `send: b'GET /v1/$W HTTP/1.1\r\nHost: $W\r\nX-Auth-Token: $S\r\n\r\n'`},
		{"", `http2: Transport encoding header "authorization" = "Bearer $S"`},
		{"", `<CIMultiDictProxy('Host': '$W', 'Authorization': 'Token $S')>`},
		{"", `headers={"accept": "*/*", "x-api-key": "$S", "host": "$W"}`},
		{"", `{"name":"X-Api-Key","value":"$S"},{"name":"Accept","value":"*/*"}`},
		{"", "POST /oauth/token grant_type=client_credentials&client_id=$W&client_secret=$S&scope=all"},
		{"escaped", "PUT https://$W.blob.core.windows.net/c/f?sv=2024-11-04&se=2026-12-01&sr=b&sp=r&sig=$S 201"},
		{"hex", "GET https://$W.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature=$S"},
		{"escaped", "GET https://$W.s3.amazonaws.com/k?X-Amz-Date=20261101T000000Z&X-Amz-Security-Token=$S&X-Amz-SignedHeaders=host"},
		// Shells and their traces.
		{"", "+ export DB_PASSWORD=$S"},
		{"", "+ PGPASSWORD=$S psql -h $W -U $W"},
		{"", "+ docker login -u $W -p $S registry.$W.example"},
		{"", "+ curl -sS -u $W:$S https://api.$W.example/v1"},
		{"", "+ mysql -uroot -p$S $W"},
		{"human", "+ sshpass -p $S ssh root@$W"},
		{"", "+ redis-cli -h $W -a $S ping"},
		{"", "set -x API_SECRET $S"},
		{"", "setenv API_SECRET $S"},
		{"", `$$env:DB_PASSWORD = "$S"`},
		{"human", `ConvertTo-SecureString "$S" -AsPlainText -Force`},
		{"", `[Environment]::SetEnvironmentVariable("API_SECRET","$S","User")`},
		{"", "Name     : $W\r\nPassword : $S\r\n"},
		{"", `"DbPassword"="$S"`},
		{"", `    ApiSecret    REG_SZ    $S`},
		{"", `reg add HKCU\Software\$W /v ApiSecret /t REG_SZ /d $S /f`},
		{"human", `cmdkey /add:$W /user:$W /pass:$S`},
		{"", `setx API_SECRET "$S"`},
		{"", `terraform apply -var="db_password=$S" -auto-approve`},
		{"", `openssl rsa -in k.pem -passin pass:$S`},
		// Connection strings.
		{"human", "dial postgres://$W:$S@db.$W:5432/app?sslmode=require: timeout"},
		{"", "mongodb+srv://$W:$S@cluster0.$W.mongodb.net/?retryWrites=true"},
		{"", "redis://:$S@cache:6379/0"},
		{"human", "jdbc:sqlserver://$W;databaseName=app;user=sa;password={$S};encrypt=true"},
		{"human", "jdbc:oracle:thin:scott/$S@//$W:1521/orcl"},
		{"human", "Driver={ODBC Driver 18 for SQL Server};Server=$W;Uid=sa;Pwd={$S};Encrypt=yes"},
		{"human", "root:$S@tcp(127.0.0.1:3306)/app?parseTime=true"},
		{"human", "host=$W user=$W password=$S dbname=app sslmode=disable"},
		{"human", "host=$W user=$W password='$S' dbname=app"},
		{"base64", "Endpoint=sb://$W.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=$S"},
		// Files.
		{"", "machine api.$W.example login $W password $S"},
		{"", "machine api.$W.example\n  login $W\n  password $S\n"},
		{"pair", "//registry.$W.example/:_auth=$S"},
		{"base64", "//registry.$W.example/:_password=\"$S\""},
		{"key", "[pypi]\nusername = __token__\npassword = $S\n"},
		{"", `        client-key-data: $S`},
		{"", "users:\n- name: $W\n  user:\n    token: $S\n"},
		{"", `            "master_password": "$S",`},
		{"", `      + admin_password = "$S"`},
		{"", `define('DB_PASSWORD', '$S');`},
		{"base64", "APP_KEY=base64:$S"},
		{"hex", "  secret_key_base: $S"},
		{"special", `SECRET_KEY = 'django-insecure-$S'`},
		{"base64", "[Interface]\nPrivateKey = $S\nAddress = 10.0.0.2/32"},
		{"human", "network={\n\tssid=\"$W\"\n\tpsk=\"$S\"\n}"},
		{"aws", "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = $S\n"},
		{"", `auth = { user = "$W", password = "$S" }`},
		{"", "auth: {user: $W, password: $S}"},
		{"", "db_password: |\n  $S\nport: $D"},
		{"", "db_password: >-\n    $S\nport: $D"},
		{"", "db_password: !!str $S"},
		{"", "    <key>api_token</key>\n    <string>$S</string>"},
		{"", `<property name="password" value="$S"/>`},
		{"", "<server><id>$W</id><username>$W</username><password>$S</password></server>"},
		{"human", `connectionString="Server=$W;Database=app;User ID=sa;Password=$S;TrustServerCertificate=True"`},
		{"hex", `<machineKey validationKey="$S" validation="SHA1" />`},
		{"", `  password: "$S" scopes: "$W"`},
		{"", `token { value: "$S" }`},
		{"", `{"query":"mutation($$i: In!){login(input:$$i){ok}}","variables":{"i":{"user":"$W","password":"$S"}}}`},
		{"", `b'\x82\xa4user\xa3$W\xa8password\xb0$S'`},
		{"base64 of a value", "apiVersion: v1\nkind: Secret\ndata:\n  db-password: $S\n"},
		{"pair", `{"auths":{"ghcr.io":{"auth":"$S"}}}`},
		{"", "    - name: DB_PASSWORD\n      value: $S\n"},
		{"", "      DB_PASSWORD:  $S\n      PORT:  $D"},
		{"", `|1 NPM_TOKEN=$S /bin/sh -c npm ci`},
		// CI and tracing.
		{"", "##vso[task.setvariable variable=DbPassword;issecret=true]$S"},
		{"", "##teamcity[setParameter name='env.API_SECRET' value='$S']"},
		{"", `write(1, "password=$S\n", 30) = 30`},
		{"", `[pid $D] sendto(3, "GET / HTTP/1.1\r\nAuthorization: Bearer $S\r\n"..., 120, 0, NULL, 0) = 120`},
		{"", `A=1\x00DB_PASSWORD=$S\x00C=2`},
		{"", "proctitle=\"mysqldump --user=$W --password=$S $W\""},
		{"", "otpauth://totp/$W:bob?secret=GEZDGNBVGY3TQOJQ$S&issuer=$W"},
		{"", "https://app.$W.example/reset?reset_token=$S"},
		{"words", `{"mnemonic":"$S"}`},
		// Around CJK text and quotes of other scripts.
		{"", "密码：$S"},
		{"", "数据库密码=$S，重试"},
		{"", "パスワード: $S"},
		{"", "api_key：「$S」"},
		{"", "password=“$S”"},
		// Keys of issuers, and where.
		{"armour", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n$S\n-----END OPENSSH PRIVATE KEY-----"},
		{"armour", `{"private_key":"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n$S\n-----END PRIVATE KEY-----\n"}`},
		{"armour", "tls.key: |\n    -----BEGIN EC PRIVATE KEY-----\n    $S\n    -----END EC PRIVATE KEY-----"},
		{"armour", "-----BEGIN RSA PRIVATE KEY----- MIIEpAIBAAKCAQEA $S -----END RSA PRIVATE KEY-----"},
		{"armour", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n$S\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----"},
		{"armour", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n$S\nPrivate-MAC: 12"},
		{"base64", `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","d":"$S"}`},
		{"base64", `{"kty":"oct","k":"$S"}`},
		{"key", "{\"role\":\"user\",\"content\":\"My key is $S, can you fix it?\"}"},
		{"key", "git clone https://$W:$U@github.com/$W/$W.git"},
		{"key", "Error: 密钥「$S」无效"},
		{"key", "  File \"a.py\", line $D, in f\n    call(\"$S\")\nValueError: bad"},
		{"key", "    at call ($W.js:$D) { key: '$S' }"},
		{"key", "docker run -e K=$S image"},
		{"key", "event: message\\ndata: {\\\"k\\\":\\\"$S\\\"}"},
		{"key", "Run `export K=$S` and retry"},
		{"key", "$W|$S|$D"},
		{"key", "\"$S\","},
	}
}

// newerFamilies are keys of issuers that the first list of families has not.
func newerFamilies() []family {
	of := func(name string, f func(c corpus) string) family { return family{name, f} }
	plain := func(prefix, alphabet string, n int) family {
		return of(prefix, func(c corpus) string {
			return prefix + c.text(alphabet, n/2) + c.text(digits, 1) + c.text(alphabet, n-n/2-1)
		})
	}
	return []family{
		plain("tgp_v1_", urlSafe, 43), plain("jina_", alnum, 60), plain("pcsk_", alnum, 70), plain("nfp_", alnum, 36), plain("rnd_", alnum, 28),
		plain("sb_secret_", urlSafe, 31), plain("napi_", lowers+digits, 64), plain("pscale_tkn_", urlSafe, 43), plain("pscale_pw_", urlSafe, 43), plain("HRKU-AA", urlSafe, 58),
		plain("re_", alnum, 33), plain("NRAK-", uppers+digits, 27), plain("dckr_oat_", alnum, 32), plain("CCIPAT_", alnum, 40), plain("bkua_", hexDigits, 40),
		plain("squ_", hexDigits, 40), plain("tfp_", alnum, 44), plain("apify_api_", alnum, 36), plain("fc-", hexDigits, 32), plain("e2b_", hexDigits, 40),
		plain("glc_eyJ", base64Text, 90), plain("sntryu_", hexDigits, 64), plain("sgp_", hexDigits, 40), plain("phx_", alnum, 43), plain("rzp_live_", alnum, 24),
		plain("CFPAT-", urlSafe, 43), plain("wandb_v1_", alnum, 77), plain("signkey-prod-", hexDigits, 64), plain("secret_", alnum, 43), plain("AKCp", alnum, 69),
		plain("dp.st.prd.", alnum, 40), plain("sk-lf-", hexDigits, 36), plain("sk_car_", alnum, 22), plain("oy2", lowers+digits, 43), plain("LTAI5t", alnum, 18),
		of("brevo", func(c corpus) string { return "xkeysib-" + c.text(hexDigits, 64) + "-" + c.text(alnum, 16) }),
		of("airtable", func(c corpus) string { return "pat" + c.text(alnum, 14) + "." + c.text(hexDigits, 64) }),
		of("dynatrace", func(c corpus) string {
			return "dt0c01." + c.text(uppers+"234567", 24) + "." + c.text(uppers+"234567", 64)
		}),
		of("terraform", func(c corpus) string { return c.text(alnum, 14) + ".atlasv1." + c.text(urlSafe, 67) }),
		of("azure devops", func(c corpus) string { return c.text(alnum, 52) + "JQQJ99BKACAAAAAAAAAAAAASAZDO" + c.text(alnum, 4) }),
		of("twilio", func(c corpus) string { return "SK" + c.text(hexDigits, 32) }),
		of("mailchimp", func(c corpus) string { return c.text(hexDigits, 32) + "-us" + c.text("123456789", 2) }),
		of("elevenlabs", func(c corpus) string { return "sk_" + c.text(hexDigits, 48) }),
		of("fly", func(c corpus) string { return "fm2_" + c.text(base64Text, 150) }),
		of("extended key", func(c corpus) string {
			return "xprv9s21ZrQH143K" + c.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 95)
		}),
		of("mapbox", func(c corpus) string { return "sk.eyJ" + c.text(alnum, 80) + "." + c.text(urlSafe, 22) }),
		of("firebase", func(c corpus) string { return c.text(urlSafe, 11) + "A:APA91b" + c.text(urlSafe, 134) }),
	}
}

// blindOrdinary holds no secret and looks as if; written as blindly.
func blindOrdinary() []string {
	return []string{
		"req_011CSHoEeqs5C35K2UUqR7Fy $W", "request id: req_$H", "chatcmpl-AxK3f9QmZt7Lw2Vb8Nc5Yd1HgJp6R finished", "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
		"toolu_01A09q90qw90lq917835lq9 returned $D", "file-abc123XYZdef456GHIjkl7 uploaded", "cus_NffrFeUfNV2Hib created", "pi_3MtwBwLkdIwHu7ix28a3tqPa succeeded",
		"usage={InputTokens:$D OutputTokens:$D CacheReadTokens:$D}", "Usage(prompt_tokens=$D, completion_tokens=$D, total_tokens=$D)",
		"secret_name=$W-db-creds secret_version=$D", "SecretId: arn:aws:secretsmanager:us-east-1:123456789012:secret:$W-AbCdEf", "kms key arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"TokenBucket{rate: $D, burst: $D, tokens: $D.5}", "token=$${TOKEN}", "password: $${{ secrets.DB_PASSWORD }}", "password: {{ .Values.db.password }}", "password: {{ vault_db_password }}", `password = var.db_password`,
		`password = random_password.db.result`, `password  = (sensitive value)`, `+ password = (known after apply)`, "password: !vault |", "password: !Ref DbPassword", "password: !Sub '{{resolve:secretsmanager:$W}}'",
		"password: ********", "Password: [hidden]", "PASSWORD=<redacted>", "api_key: \"***\"", "token: xxxxxxxxxxxx", "secret: REDACTED", "password=your-password-here", "API_KEY=changeme", "API_KEY=<your api key>",
		"PasswordAuthentication no", "AuthorizedKeysFile .ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk3$H user@$W", "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkq\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----",
		"go.sum: github.com/$W/$W v1.2.$D h1:Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE=", `"integrity": "sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg=="`,
		"traceparent: 00-$H-00f067aa0ba902b7-01", "x-amzn-trace-id: Root=1-67891233-abcdef012345678912345678", "cf-ray: 8f3b2c1d4e5f6a7b-FRA", "etag: W/\"5d8c72a5edda8-$D\"", "docker.io/library/$W@sha256:$H$H",
		"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", "Authorization header missing", "authorization: none", "Authorization failed for $W", "authorized user=$W", "Basic authentication required", "Basic usage: $W", "Bearer token missing", "bearer: $W",
		"密码错误", "密码长度必须大于 8", "请输入密码：", "パスワードを入力してください", "token 不足", "令牌已过期",
		"keyboard: us", "monkey: $W", "keys: [a, b, c]", "key=value", "api_key_id=$D", "max_password_length=$D", "password_min_length: $D", "passwordPolicy=strong", "password_hash_algorithm=argon2id", "pwd=/home/$W/src", "cwd=/home PWD=/home/$W", "OLDPWD=/srv/$W", "passwd -l $W",
		"mysql -u root -p $W", "mysql -uroot --port=3306 $W", "ssh -p 2222 $W", "mkdir -p /srv/$W/data", "docker run -p 8080:80 $W", "cp -a src/$W dst", "tar -xpf $W.tar", "curl -u $W https://h.example", "nc -u $W 53", "git push -u origin main", "sort -k 2 $W",
		"user:$W group:$W", "postgres://localhost/app", "postgres://$W@localhost/app", "https://example.com:8080/a@b", "mailto:$W@example.com", "git@github.com:$W/$W.git", "root@$W:/srv#", "redis://localhost:6379/0", "jdbc:oracle:thin:@//$W:1521/orcl", "npm i @$W/$W@1.2.$D",
		"Private-Lines: 1", "PrivateKey field is required", `"d": "$W"`, `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`, "sig=SIGTERM", "signal: killed sig=9", "signature=v1 algorithm=ed25519", "secret sharing: threshold $D of $D", "secretary: $W", "tokenizer=cl100k_base", "detokenize($D)", "tokens: [101, 2023, 102]",
		"kind: Secret\nmetadata:\n  name: $W", "secret_key_ref: $W", "token_type=Bearer expires_in=3600", `{"token_type":"bearer","expires_in":$D}`, "session opened for user $W", "session: 2026-11-01T10:00:00Z", "sessionid missing", "cookie consent=$W", "pass through: $W", "passed=$D failed=0", "credentials loaded from ~/.aws/credentials", "using credential from keychain://openclaw/$W", "auth=none", "auth: {type: oauth2}", "auth0|$W",
		"rate limit: 10 tokens/s", "LLM said: a password is like a toothbrush", "Change your password every $D days.", "The API key must be 32 characters.", "The secret to good $W is $W.", "pin=$D", "otp: disabled", "mnemonic: mov eax", "seed=$D", "salt=none", "nonce=$D", "hash=$H", "checksum=$H$H", "digest: sha256:$H$H", "rev=$H", "Merge pull request #$D from $W/fix-token-refresh",
	}
}

// measureBlind prints what of a blind corpus was missed and altered, by form.
func measureBlind(t *testing.T, forms []form, keys []family, ordinary []string) (recall, altered float64) {
	t.Helper()
	c := newCorpus(*seed)
	m := newMasker(t)
	missed, total := 0, 0
	try := func(name string, next func() (line, secret string)) {
		leaked, example := 0, ""
		for range *blind {
			line, secret := next()
			total++
			if got := m.Text(line); leaks(got, secret) {
				leaked++
				example = fmt.Sprintf("%q\n     → %q", line, got)
			}
		}
		if missed += leaked; leaked > 0 {
			t.Logf("missed %d of %d %s: %s", leaked, *blind, name, example)
		}
	}
	for _, f := range forms {
		try(f.kind, func() (line, secret string) {
			secret = c.secretOf(f.kind)
			return c.fill(f.text, "", secret), secret
		})
	}
	for _, f := range keys {
		try(f.name, func() (line, secret string) {
			secret = f.make(c)
			return c.around(secret), secret
		})
	}
	changed, lines := 0, 0
	for _, text := range ordinary {
		shown := false
		for range *blind {
			line := c.fill(text, "", "")
			lines++
			if got := m.Text(line); got != line {
				if changed++; !shown {
					shown = true
					t.Logf("altered: %q\n     → %q", line, got)
				}
			}
		}
	}
	recall, altered = 100-100*float64(missed)/float64(total), 100*float64(changed)/float64(lines)
	t.Logf("seed %d: recall %.2f %% (%d of %d missed, %d forms and %d issuers), altered %.2f %% (%d of %d, %d kinds)",
		*seed, recall, missed, total, len(forms), len(keys), altered, changed, lines, len(ordinary))
	return recall, altered
}

func TestBlindCorpus(t *testing.T) {
	recall, altered := measureBlind(t, blindForms(), newerFamilies(), blindOrdinary())
	if recall < 99.5 || altered > 0.1 {
		t.Errorf("recall %.2f %%, altered %.2f %%", recall, altered)
	}
}
