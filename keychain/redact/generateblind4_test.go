package redact_test

import "testing"

// fourthForms are of files, protocols and programs that the first three sets have
// not, as their documents and logs show them.
func fourthForms() []form {
	return []form{
		// Headers.
		{"hex32", "DD-API-KEY: $S"},
		{"hex40", "DD-APPLICATION-KEY: $S"},
		{"", "Ocp-Apim-Subscription-Key: $S"},
		{"hex32", "api-key: $S"},
		{"uuid", "X-Postmark-Server-Token: $S"},
		{"", "X-Figma-Token: $S"},
		{"", "X-Shopify-Access-Token: $S"},
		{"uuid", "CF-Access-Client-Secret: $S"},
		{"hex37", "X-Auth-Email: $W@$W.example\nX-Auth-Key: $S"},
		{"hex32", "X-Algolia-API-Key: $S"},
		{"hex32", "X-RapidAPI-Key: $S"},
		{"hex64", "X-Hub-Signature-256: sha256=$S"},
		{"hex64", "Stripe-Signature: t=1764500000,v1=$S"},
		{"hex64", "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=$S"},
		{"base64", "Authorization: SharedKey $Wstore:$S"},
		{"escaped", "Authorization: SharedAccessSignature sr=$W.azure-devices.net&sig=$S&se=1764500000&skn=root"},
		{"base64", "Authorization: hmac $W:$S"},
		{"hex32", "Authorization: Token token=$S"},
		{"hex32", "Authorization: Token token=\"$S\", email=\"$W@$W.example\""},
		{"uuid", "Authorization: GenieKey $S"},
		{"hex40", "Authorization: Klaviyo-API-Key pk_$S"},
		{"base64", "Authorization: ApiKey $S"},
		{"", "authorization: Discogs token=$S"},
		{"hex40", "Authorization: Splunk $S"},
		{"base64", "Authorization: Negotiate $S"},
		{"hex32", "Authorization: Digest username=\"$W\", realm=\"$W\", nonce=\"a3f\", uri=\"/x\", response=\"$S\""},
		{"", "Sec-WebSocket-Protocol: bearer, $S"},
		{"hex32", "X-Plex-Token: $S"},
		{"", "X-Emby-Token: $S"},
		{"", "x-functions-key: $S"},
		// Cookies.
		{"hex32", "Cookie: _gitlab_session=$S; known_sign_in=x"},
		{"", "Cookie: connect.sid=s%3A$S.abc"},
		{"jwt", "Cookie: next-auth.session-token=$S; Path=/"},
		{"hex32", "Set-Cookie: laravel_session=$S; expires=Sun, 01-Nov-2026 12:00:00 GMT; HttpOnly"},
		{"", "Cookie: auth_token=$S; ct0=$H"},
		{"base64", "Set-Cookie: .AspNetCore.Cookies=$S; path=/; secure"},
		// Queries and URLs.
		{"hex32", "GET /data/2.5/weather?q=$W&appid=$S HTTP/1.1"},
		{"hex32", "https://api.$W.example/v1?api_token=$S&fmt=json"},
		{"", "https://maps.$W.example/geo?key=$S&address=$W"},
		{"", "wss://stream.$W.example/ws?listenKey=$S"},
		{"hex32", "POST https://$W.example/hook?secret=$S 200"},
		{"", "https://$W.example/reset?token=$S&id=$D"},
		{"", "https://hooks.zapier.com/hooks/catch/$D123/$S/"},
		{"", "https://outlook.office.com/webhook/3f2504e0-4f89-11d3-9a0c-0305e82c3301@3f2504e0-4f89-11d3-9a0c-0305e82c3302/IncomingWebhook/$S/3f2504e0-4f89-11d3-9a0c-0305e82c3303"},
		{"", "https://prod-12.westus.logic.azure.com:443/workflows/$H/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=$S"},
		{"hex40", "https://maker.ifttt.com/trigger/$W/with/key/$S"},
		{"telegram", "https://api.telegram.org/bot$S/sendMessage?chat_id=$D"},
		{"", "https://$W:$S@app.terraform.$W.example/state"},
		{"hex32", "https://$S@o$D.ingest.sentry.example/$D"},
		{"human", "ftp://$W:$S@ftp.$W.example/in/"},
		{"", "nats://$S@nats.$W.example:4222"},
		{"human", "clickhouse://default:$S@ch:9000/$W"},
		{"human", "mssql://sa:$S@db.$W.example:1433/$W"},
		{"human", "ldap bind: ldaps://cn=admin,dc=$W:$S@ldap.$W.example"},
		{"human", "rtsp://admin:$S@192.168.1.$D:554/stream1"},
		{"", "remote: https://oauth2:$S@gitlab.$W.example/$W/$W.git"},
		{"", "origin\thttps://x-access-token:$S@github.com/$W/$W (fetch)"},
		// Files.
		{"human", "db.$W.example:5432:app:$W:$S"},
		{"human", "*:*:*:postgres:$S"},
		{"human", "[client]\nuser=root\npassword=\"$S\"\nhost=$W\n"},
		{"human", "//$W/share /mnt cifs username=$W,password=$S,uid=1000 0 0"},
		{"human", "username=$W\npassword=$S\ndomain=$W\n"},
		{"", "$W.azurecr.io:\n  username: $W\n  password: $S\n"},
		{"pair", "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"$S\"}}}"},
		{"", "{\"auths\":{\"ghcr.io\":{\"identitytoken\":\"$S\"}}}"},
		{"base64 of a value", "apiVersion: v1\nkind: Secret\ndata:\n  password: $S\n"},
		{"base64 of a value", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: $W\ndata:\n  tls-password: $S\ntype: Opaque\n"},
		{"", "[registry]\ntoken = \"$S\"\n"},
		{"", "[registries.$W]\ntoken = \"Bearer $S\"\n"},
		{"", "github.com:\n    user: $W\n    oauth_token: $S\n    git_protocol: https\n"},
		{"", "{\"http-basic\":{\"repo.$W.example\":{\"username\":\"$W\",\"password\":\"$S\"}},\"github-oauth\":{}}"},
		{"", "{\"github-oauth\":{\"github.com\":\"$S\"}}"},
		{"", "npmAuthToken: \"$S\"\n"},
		{"pair", "npmAuthIdent: \"$S\"\n"},
		{"", "registry=https://npm.$W.example/\n//npm.$W.example/:_authToken=\"$S\"\nalways-auth=true\n"},
		{"", "machine api.heroku.com\n  login $W@$W.example\n  password $S\nmachine git.heroku.com\n"},
		{"", "[distutils]\nindex-servers = $W\n\n[$W]\nrepository = https://$W.example\nusername = $W\npassword = $S\n"},
		{"armour", "{\"type\":\"service_account\",\"project_id\":\"$W\",\"private_key_id\":\"$H\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n$S\\n-----END PRIVATE KEY-----\\n\",\"client_email\":\"x@$W.iam.gserviceaccount.com\"}"},
		{"", "{\"installed\":{\"client_id\":\"$D-abc.apps.googleusercontent.com\",\"client_secret\":\"$S\",\"redirect_uris\":[\"http://localhost\"]}}"},
		{"", "{\"account\":\"$W\",\"refresh_token\":\"$S\",\"type\":\"authorized_user\"}"},
		{"aws", "[profile $W]\nregion = eu-west-1\naws_session_token=$S\n"},
		{"aws", "aws_secret_access_key=$S\naws_access_key_id=AKIAIOSFODNN7EXAMPLE"},
		{"base64", "[storage]\nAZURE_STORAGE_KEY=$S\n"},
		{"base64", "storage_account:\n  name: $W\n  access_key: $S\n"},
		{"uuid", "subscription_id: 1\nclient_secret: $S\ntenant_id: 2\n"},
		{"human", "<connectionStrings>\n  <add name=\"Main\" connectionString=\"Server=$W;Database=x;User Id=$W;Password=$S;\" providerName=\"x\"/>\n</connectionStrings>"},
		{"human", "<Resource name=\"jdbc/$W\" username=\"$W\" password=\"$S\" driverClassName=\"org.postgresql.Driver\"/>"},
		{"human", "<user username=\"admin\" password=\"$S\" roles=\"manager-gui\"/>"},
		{"human", "<security><user-name>$W</user-name><password>$S</password></security>"},
		{"", "<string name=\"google_maps_key\" templateMergeStrategy=\"preserve\">$S</string>"},
		{"", "<meta-data android:name=\"com.$W.API_KEY\" android:value=\"$S\" />"},
		{"", "<key>ApiSecret</key>\n\t<string>$S</string>"},
		{"human", "keystore.password = $S\nkeystore.type = PKCS12\n"},
		{"human", "server.ssl.key-store-password=$S"},
		{"human", "quarkus.datasource.password=$S\nquarkus.datasource.jdbc.url=jdbc:x"},
		{"human", "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"$W\" password=\"$S\";"},
		{"human", "ssl.keystore.password=$S"},
		{"", "secretKey = \"$S\"\nendpoint = \"https://s3.$W.example\"\n"},
		{"human", "mqtt:\n  broker: $W\n  username: $W\n  password: !secret mqtt\n  client_password: $S\n"},
		{"human", "wifi:\n  ssid: \"$W\"\n  password: \"$S\"\n"},
		{"human", "api:\n  encryption:\n    key: \"Zm9v\"\nota:\n  - platform: esphome\n    password: \"$S\"\n"},
		{"human", "auth-user-pass\n<auth-user-pass>\n$W\n$S\n</auth-user-pass>"},
		{"base64", "[Peer]\nPresharedKey = $S\nAllowedIPs = 0.0.0.0/0"},
		{"human", "ldap_default_authtok = $S\nldap_default_bind_dn = cn=x"},
		{"human", "bindpw $S\nbinddn cn=$W"},
		{"human", "olcRootPW: $S"},
		{"hash", "$W:$S"},
		{"hash", "$W:$S:19000:0:99999:7:::"},
		{"human", "smtp_sasl_password = $S"},
		{"human", "[smtp.$W.example]:587 $W@$W.example:$S"},
		{"human", "rpcuser=$W\nrpcpassword=$S\n"},
		{"human", "snmpd: createUser $W SHA \"$S\" AES"},
		{"human", "rocommunity $S 10.0.0.0/8"},
		{"human", "username $W privilege 15 secret 0 $S"},
		{"human", "radius-server key $S"},
		{"human", "hmac-secret: \"$S\"\nport: 53"},
		{"base64", "key \"rndc-key\" {\n  algorithm hmac-sha256;\n  secret \"$S\";\n};"},
		// Environment and shells.
		{"", "STRIPE_SK=\"$S\""},
		{"hex32", "export MAILGUN_SIGNING=$S API_BASE=x"},
		{"", "export GH_PAT=$S"},
		{"", "CLOUDFLARE_API_TOKEN=$S wrangler deploy"},
		{"base64", "SECRET_KEY_BASE=$S RAILS_ENV=production"},
		{"hex64", "NEXTAUTH_SECRET=$S"},
		{"human", "RABBITMQ_DEFAULT_PASS=$S"},
		{"human", "MINIO_ROOT_PASSWORD=$S minio server /data"},
		{"base64", "NUXT_SESSION_PASSWORD=$S"},
		{"", "docker run -e \"OPENAI_KEY=$S\" img"},
		{"human", "docker service create --env DB_PASS=$S img"},
		{"", "docker build --build-arg NPM_TOKEN=$S ."},
		{"human", "docker-compose run -e PGPASSWORD=$S db psql"},
		{"human", "kubectl create secret docker-registry r --docker-username=$W --docker-password=$S"},
		{"human", "kubectl create secret generic x --from-literal password='$S'"},
		{"human", "helm install x y --set-string auth.rootPassword=$S,replicas=2"},
		{"human", "heroku config:set DB_PASSWORD=$S -a $W"},
		{"", "fly secrets set API_TOKEN=$S"},
		{"", "gh secret set NPM_TOKEN --body \"$S\""},
		{"", "vault kv put secret/$W api_key=$S"},
		{"", "aws ssm put-parameter --name /x/db_password --type SecureString --value '$S'"},
		{"", "aws secretsmanager create-secret --name $W --secret-string '{\"password\":\"$S\"}'"},
		{"human", "az ad sp create-for-rbac; az login --service-principal -u $W -p $S --tenant x"},
		{"", "gcloud sql users set-password root --password=$S"},
		{"human", "curl --user $W:$S ftp://ftp.$W.example"},
		{"human", "curl -u '$W:$S' -X POST https://$W.atlassian.example/rest"},
		{"", "curl -s 'https://api.$W.example/v2/me' -H 'Authorization: Bearer $S' --compressed"},
		{"", "curl https://api.$W.example -d api_key=$S -d n=1"},
		{"", "curl -b 'session=$S' https://$W.example"},
		{"", "curl -X POST -F 'token=$S' https://$W.example"},
		{"human", "wget --user=$W --password='$S' https://$W.example/f"},
		{"human", "lftp -u $W,$S ftp.$W.example"},
		{"human", "net use Z: \\\\$W\\share /user:$W $S"},
		{"human", "mount -t cifs //s/x /mnt -o username=$W,password=$S"},
		{"human", "expect: send \"$S\\r\" # password"},
		{"human", "htpasswd -b .htpasswd $W $S"},
		{"human", "useradd -p '$S' $W"},
		{"human", "echo '$W:$S' | chpasswd"},
		{"human", "7z x a.7z -p$S"},
		{"human", "zip -P $S a.zip f"},
		{"human", "sqlcmd -S $W -U sa -P $S -Q x"},
		{"human", "bcp db..t out f -U sa -P$S"},
		{"human", "snowsql -a $W; snowflake.connect(user='$W', password='$S', account='$W')"},
		{"human", "ldapsearch -x -D cn=admin -w $S -b dc=x"},
		{"human", "impacket: $W/administrator:$S@10.0.0.$D"},
		{"", "twine upload -u __token__ -p $S dist/*"},
		{"", "dotnet nuget push x.nupkg --api-key $S --source y"},
		{"", "nuget sources add -name x -username u -password $S"},
		{"", "cargo login $S"},
		{"", "snyk auth $S"},
		{"", "sonar-scanner -Dsonar.login=$S"},
		{"", "sentry-cli --auth-token $S releases list"},
		{"", "codecov -t $S"},
		{"", "ngrok config add-authtoken $S"},
		{"", "cloudflared tunnel run --token $S"},
		{"", "tailscale up --authkey=$S"},
		{"", "pulumi config set --secret dbPassword $S"},
		// Logs.
		{"", "##[debug]Evaluating: secrets.API_KEY\n##[debug]Result: '$S'"},
		{"", "Step 4/9 : ARG NPM_TOKEN=$S"},
		{"", " ---> Running in 1a2b3c\n+ NPM_TOKEN=$S npm ci"},
		{"", "[Pipeline] withEnv\n[build] $ docker login -u x -p $S"},
		{"", "2026-11-01 10:00:00,123 - $W - DEBUG - Using api_key='$S' for request"},
		{"", "10:00:00.123 [main] DEBUG o.a.http.wire - http-outgoing-0 >> \"X-Api-Key: $S[\\r][\\n]\""},
		{"", "10:00:00.123 [main] DEBUG o.a.http.headers - http-outgoing-0 >> Authorization: Bearer $S"},
		{"", "DEBUG reqwest::connect: headers={\"authorization\": \"Bearer $S\"}"},
		{"", "D, [2026-11-01T10:00:00 #$D] DEBUG -- request: Authorization: \"Token $S\""},
		{"", "I1101 10:00:00.123456       1 round_trippers.go:466] curl -v -XGET -H \"Authorization: Bearer $S\" 'https://k8s:6443/api'"},
		{"", "level=debug ts=2026-11-01T10:00:00Z caller=main.go:$D password=$S user=$W"},
		{"", "{\"severity\":\"ERROR\",\"jsonPayload\":{\"env\":{\"STRIPE_SECRET_KEY\":\"$S\"}}}"},
		{"", "{\"@timestamp\":\"2026-11-01\",\"http.request.headers.x-api-key\":\"$S\"}"},
		{"", "{\"context\":{\"auth\":{\"type\":\"bearer\",\"value\":\"$S\"}}}"},
		{"human", "  File \"/app/db.py\", line $D, in connect\n    conn = psycopg.connect(host='$W', user='$W', password='$S')"},
		{"human", "\tat com.$W.Db.connect(Db.java:$D)\nCaused by: java.sql.SQLException: Access denied for jdbc:mysql://db/x?user=root&password=$S"},
		{"human", "panic: failed to connect to `host=$W user=$W password=$S database=x`: dial error"},
		{"", "Error: Request failed with status code 401 config: { headers: { Authorization: 'Bearer $S', 'User-Agent': 'axios/1.7' } }"},
		{"", "  \"headers\": {\n    \"Accept\": \"application/json\",\n    \"X-Api-Key\": \"$S\"\n  }"},
		{"key", "ERROR authentication_error: invalid x-api-key $S"},
		{"key", "Connecting with credential $S ..."},
		{"key", "key rotated: $S (expires 2027-01-01)"},
	}
}

func fourthFamilies() []family {
	of := func(name string, f func(c corpus) string) family { return family{name, f} }
	plain := func(prefix, alphabet string, n int) family {
		return of(prefix, func(c corpus) string {
			return prefix + c.text(alphabet, n/2) + c.text(digits, 1) + c.text(alphabet, n-n/2-1)
		})
	}
	return []family{
		plain("aio_", alnum, 28), plain("ABSK", base64Text, 109), plain("v1.0-", hexDigits, 24+146), plain("dnkey-", uppers+digits, 26+52), plain("duffel_live_", urlSafe, 43),
		plain("EZTK", alnum, 54), plain("ico-", alnum, 32), plain("s-s4t2ud-", hexDigits, 64), plain("API-", uppers+digits, 26), plain("sha256~", urlSafe, 43),
		plain("pscale_oauth_", urlSafe, 32), plain("tk-us-", urlSafe, 48), plain("sm_aat_", alnum, 16), plain("AQVN", urlSafe, 36), plain("t1.9euelZ", urlSafe, 160),
		plain("sk-or-v1-", hexDigits, 64), plain("sk-ant-api03-", urlSafe, 95), plain("gsk_", alnum, 52), plain("glpat-", urlSafe, 20), plain("hvs.CAES", urlSafe, 90),
		plain("npg_", alnum, 12), plain("dbtc_", urlSafe, 40), plain("mdb_sa_sk_", urlSafe, 40), plain("st.prod.", alnum, 40), plain("secret-token:mercury_production_wma_", alnum, 40),
		plain("bxt_", alnum, 40), plain("ramp_sec_", alnum, 40), plain("live_", alnum, 30), plain("KEY0", hexDigits, 32), plain("sk_live_", alnum, 24),
		of("harness", func(c corpus) string {
			return "pat." + c.text(urlSafe, 22) + "." + c.text(hexDigits, 24) + "." + c.text(alnum, 20)
		}),
		of("1password secret key", func(c corpus) string {
			u := uppers + digits
			return "A3-" + c.text(u, 6) + "-" + c.text(u, 6) + "-" + c.text(u, 5) + "-" + c.text(u, 5) + "-" + c.text(u, 5) + "-" + c.text(u, 5)
		}),
		of("authress", func(c corpus) string {
			return "sc_" + c.text(lowers+digits, 20) + "." + c.text(lowers+digits, 4) + ".acc-" + c.text(lowers+digits, 10) + "." + c.text(base64Text, 40)
		}),
		of("clickup", func(c corpus) string { return "pk_" + c.text(digits, 8) + "_" + c.text(uppers+digits, 32) }),
		of("asana", func(c corpus) string {
			return "2/" + c.text("123456789", 16) + "/" + c.text("123456789", 16) + ":" + c.text(hexDigits, 32)
		}),
		of("twitter bearer", func(c corpus) string { return "AAAAAAAAAAAAAAAAAAAAA" + c.text(alnum, 40) + "%3D" + c.text(alnum, 45) }),
		of("stytch", func(c corpus) string { return "secret-live-" + c.text(urlSafe, 34) + "4=" }),
		of("confluent", func(c corpus) string { return "cflt" + c.text(base64Text, 60) }),
		of("bitwarden", func(c corpus) string {
			return "0." + c.uuid() + "." + c.text(alnum, 30) + ":" + c.text(base64Text, 22) + "=="
		}),
		of("salesforce", func(c corpus) string { return "00D" + c.text(alnum, 12) + "!AQ" + c.text(alnum+"._", 90) }),
		of("maxmind", func(c corpus) string { return c.text(alnum, 6) + "_" + c.text(alnum, 29) + "_mmk" }),
		of("sentry org", func(c corpus) string {
			return "sntrys_eyJpYXQiOjE3" + c.text(alnum, 100) + "_" + c.text(base64Text, 43)
		}),
		of("launchdarkly", func(c corpus) string { return "sdk-" + c.uuid() }),
	}
}

func fourthOrdinary() []string {
	return []string{
		// Code.
		"const TOKEN_REFRESH_INTERVAL_MS = $D;", "export type AuthToken = { value: string; expires: Date };", "private final PasswordEncoder passwordEncoder = new BCryptPasswordEncoder();", "password.value = passwordInput.value;", "if (!secret) throw new Error('secret is required');",
		"api_key = config.get(\"api_key\")", "api_key = settings.OPENAI_API_KEY", "token = request.headers['Authorization'].split(' ')[1]", "password: z.string().min(8),", "secret: t.Optional[str] = Field(default=None, exclude=True)", "val token: String by lazy { store.read() }", "let token = std::env::var(\"TOKEN\").unwrap_or_default();",
		"authToken := r.URL.Query().Get(\"token\")", "func hashPassword(p string) (string, error)", "@Column(name = \"password_hash\", length = 255)", "t.string :encrypted_password, null: false, default: \"\"", "password = Column(String(128), nullable=False)", "token = models.CharField(max_length=64, unique=True)", "setPassword(event.target.value)", "<input type=\"password\" name=\"password\" autocomplete=\"current-password\">",
		"<label for=\"password\">Password</label>", "this.tokenService.refreshToken$.subscribe((token) => {})", "token: localStorage.getItem('token') ?? ''", "headers: { Authorization: `Bearer ${token}` }", "Authorization: `Bearer ${process.env.API_TOKEN}`", "req.Header.Set(\"Authorization\", \"Bearer \"+token)", "headers={\"Authorization\": f\"Bearer {token}\"}", "PASSWORD_REGEX = /^(?=.*[A-Z]).{8,}$/", "key = lambda x: x[1]", "sorted(items, key=itemgetter(1))", "assert_eq!(token.kind, TokenKind::Ident);", "switch (token.type) {", "enum Token { Ident(String), Number(f64), Eof }", "yytoken = yylex();", "#define TOKEN_MAX_LEN 256", "static const char *password_prompt = \"Password: \";", "token_cache: dict[str, Token] = {}", "secret_manager = SecretManagerServiceClient()", "from passlib.hash import bcrypt as password_hasher",
		"credential: applicationDefault(),", "credentials=Credentials.from_service_account_file(path)", "api_key: Annotated[str, Header()]", "signature = sign(payload, key)", "cookie: req.headers.cookie", "auth: { persistSession: false }", "pass: &mut RenderPass", "let pass = encoder.begin_render_pass(&desc);", "pwd = os.getcwd()", "key: $W-$D", "<Item key={item.id} token={token} />", "secret=\"${var.secret}\"", "token = data.aws_ecr_authorization_token.this.authorization_token", "password = aws_secretsmanager_secret_version.db.secret_string", "password = each.value.password", "password: ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:YmF6,type:str]", "$ANSIBLE_VAULT;1.1;AES256", "sops_pgp__list_0__map_fp=$C",
		// Logs.
		"[$W] token expired at 2026-11-01T10:00:00Z for user $D", "Token refreshed successfully (expires in 3600s)", "Invalid password for user $W from 10.0.0.$D port 5$D ssh2", "Failed password for invalid user $W from 10.0.0.$D port 4$D ssh2", "Accepted publickey for $W from 10.0.0.$D port 5$D ssh2: ED25519 SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8", "pam_unix(sudo:auth): authentication failure; logname=$W uid=$D", "password check failed for user ($W)", "FATAL:  password authentication failed for user \"$W\"", "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)", "WRONGPASS invalid username-password pair or user is disabled.", "error: RPC failed; HTTP 401 Authorization Required", "remote: Support for password authentication was removed on August 13, 2021.", "fatal: could not read Password for 'https://$W@github.com': terminal prompts disabled",
		"GET /oauth/token 200 $Dms", "POST /api/v1/password/reset 204", "GET /users/$D/tokens?page=2&per_page=50 200", "auth provider=oidc issuer=https://$W.example client_id=$W", "loaded 3 keys from jwks kid=$H", "kid=$W-2026 alg=RS256 typ=JWT", "jwks_uri: https://$W.example/.well-known/jwks.json", "csrf token missing or incorrect", "session cookie rejected: expired", "api key not found", "api-key header missing", "no credentials for registry $W.example", "Using default credential provider chain", "credential helper 'osxkeychain' not installed", "rotating encryption key (generation $D)", "certificate fingerprint=AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01", "SSL fingerprint sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "x-amzn-requestid: $G", "x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran", "X-GitHub-Delivery: $G", "X-GitHub-Request-Id: C0DE:1A2B:3C4D5E:6F7081:65A1B2C3",
		"etag: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"", "content-md5: Q2hlY2sgSW50ZWdyaXR5IQ==", "digest: SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "nonce-rAnd0mBase64Value123456== script-src", "commit $C (HEAD -> main)", "Merge: 1a2b3c4 5d6e7f8", "tree $C\nparent $C", "Receiving objects: 100% ($D/$D), done.", "image digest sha256:$L", "layer $L: already exists", "container 3f4e5a6b7c8d started name=$W", "pod/$W-7d9f8b6c5d-x2k4z created", "job-$W-28374650-abcde completed", "task arn:aws:ecs:eu-west-1:123456789012:task/$W/$H", "instance i-0a1b2c3d4e5f60718 running", "ami-0abcdef1234567890", "subnet-0a1b2c3d4e5f60718", "vpc-0a1b2c3d sg-0a1b2c3d4e5f60718", "snapshot snap-066877671789bd71b", "request_id=$G status=200", "correlationId: $G", "\"sub\":\"auth0|507f1f77bcf86cd799439011\"", "\"etag\":\"BwWWja0YfJA=\"", "\"selfLink\":\"https://www.googleapis.com/compute/v1/projects/$W\"", "build 20261101.$D passed", "cache key: Linux-node-$L", "Cache restored from key: node-modules-$C", "primary key: Linux-go-$L", "artifact sha256 $L", "md5 $H  $W.tar.gz", "$L  $W-$W.whl",
		// Lock files.
		"\"resolved\" \"https://registry.yarnpkg.com/$W/-/$W-1.2.$D.tgz#$C\"", "  integrity sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==", "checksum = \"$L\"", "    {file = \"$W-1.0.tar.gz\", hash = \"sha256:$L\"},", "      - sha256:$L", "$W==1.2.$D --hash=sha256:$L", "\"dist\": {\"shasum\": \"$C\"}", "narHash = \"sha256-$B\";", "sha256 = \"0sdsp8sd8x4c0jz6x3bljn8l0hkx7ma1b3vf3x8sd2b8yq6mbwfh\";", "$W (1.2.$D) sha256=$L", "SPEC CHECKSUMS:\n  $W: $C", "go 1.26\nrequire github.com/$W/$W v0.0.0-20260101120000-1a2b3c4d5e6f",
		// Prose, also in Chinese.
		"Choose a password with at least twelve characters and write it nowhere.", "The token is sent in the Authorization header as a bearer token.", "An API key identifies the project; a secret proves who you are.", "To rotate the secret, run the command below and restart.", "Your password will expire in $D days.", "Passwords are stored as Argon2id hashes.", "Each token costs about 0.$D cents.", "Click \"Forgot password?\" and follow the link.", "The password field is case-sensitive.", "Secret: the art of hiding things in plain sight", "Key takeaways: tokens matter.", "Token: a unit of text that a model reads.", "Password: see the envelope on the desk.", "API key: ask the administrator of your organisation.", "密码必须包含大小写字母和数字", "请妥善保管您的密钥，切勿泄露", "令牌将在30分钟后过期", "如果忘记密码，请点击这里", "密码：请联系管理员", "访问令牌用于验证身份", "API密钥可以在控制台中创建", "修改密码成功", "用户名或密码错误，请重试", "口令长度不得少于八位",
		// Data.
		"data:font/woff2;base64,d09GMgABAAAAAAZoABAAAAAADPgAAAYGAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP0ZGVE0cGh4GYACCUhEICok", "src=\"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\"", "//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbImEuanMiXSwibmFtZXMiOltdLCJtYXBwaW5ncyI6IkFBQUEifQ==", "-----BEGIN CERTIFICATE REQUEST-----\nMIICvDCCAaQCAQAwdzELMAkGA1UEBhMCVVMx\n-----END CERTIFICATE REQUEST-----", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBFit2ioBEADhWpZ8/wvZ6hUTiXOwQHXMAlaFHcPH9hAtr4F1y2+OYdbtMuth\n-----END PGP PUBLIC KEY BLOCK-----", "-----BEGIN PGP SIGNATURE-----\n\niQIzBAABCAAdFiEE1234\n-----END PGP SIGNATURE-----", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "age-encryption.org/v1\n-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc", "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8", "0x742d35Cc6634C0532925a3b844Bc454e4438f44e", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "npub1sn0wdenkukak0d9dfczzeacvhkrgz92ak56egt7vdgzn8pv2wfqqhrjdv9", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG", "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "cjld2cjxh0000qzrmn831i7rn", "V1StGXR8_Z5jdHi6B-myT", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB", "1Z999AA10123456784", "GB82 WEST 1234 5698 7654 32", "magnet:?xt=urn:btih:$C", "$C:src/$W/$W.go", "refs/pull/$D/head $C",
	}
}

func TestFourthBlindCorpus(t *testing.T) {
	recall, altered := measureBlind(t, fourthForms(), fourthFamilies(), fourthOrdinary())
	if recall < 99.5 || altered > 0.1 {
		t.Errorf("recall %.2f %%, altered %.2f %%", recall, altered)
	}
}
