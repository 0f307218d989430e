package redact_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// elsewhere puts a key of a known shape where the logs of other programs,
// files and people put it.
func (c corpus) elsewhere(secret string) string {
	contexts := []func() string{
		func() string { return "- " + secret },
		func() string { return `level=info cred="` + secret + `" n=1` },
		func() string { return "INSERT INTO t VALUES (1,'" + secret + "');" },
		func() string { return "b'" + secret + "'" },
		func() string { return `<a href="https://x.example/?k=` + secret + `">` + c.word() + `</a>` },
		func() string { return "[docs](https://x.example/?t=" + secret + ")" },
		func() string { return "echo " + secret + " | base64" },
		func() string { return `"a";"` + secret + `";"b"` },
		func() string { return "next=" + url.QueryEscape(url.QueryEscape("k="+secret)) },
		func() string { return "🔑" + secret + "🔑" },
		func() string { return "密钥：" + secret + "。" },
		func() string {
			return "try " + secret + c.pick("!", ";", ")", "]", ":", "…", "?", "\"", "'", "}", "|", "\t")
		},
		func() string { return "“" + secret + "” «" + secret + "»" },
		func() string { return c.pick("@", "#", ":", "=", "~", "+", "*", "&", "$") + secret },
		func() string { return "x\\t" + secret + "\\r\\n" },
		func() string { return "\x00" + secret + "\x00" },
		func() string { return "git clone https://" + c.word() + ":" + secret + "@git.example.com/x" },
		func() string { b, _ := json.Marshal(map[string]any{"argv": []string{"x", secret}}); return string(b) },
		func() string { return "\\\"" + secret + "\\\"" },
		func() string { return "diff\n-" + c.word() + "\n+" + secret + "\n" },
		func() string { return "00000000  " + secret + "  |" },
		func() string { return "\x1b]8;;https://x/" + secret + "\x1b\\link" },
		func() string { return fmt.Sprintf("%+v", struct{ K, V string }{"x", secret}) },
		func() string { return "<code>" + secret + "</code>" },
	}
	return contexts[c.IntN(len(contexts))]()
}

// namedElsewhere is a secret of no known shape under a name, as the files and
// commands of other programs have it.
func (c corpus) namedElsewhere() (line, secret string) {
	switch c.IntN(3) {
	case 0:
		secret = c.text(alnum, 10) + c.text(digits, 2) + c.text(alnum, c.IntN(20))
	case 1:
		secret = c.text(hexDigits, 31) + "c4"
	default:
		secret = strings.ToUpper(c.text(lowers, 2)) + c.text(alnum, 9) + c.text(digits, 2)
	}
	name := c.pick("password", "api_key", "clientSecret", "DB_PASSWORD", "ACCESS_TOKEN", "auth_token", "secret_key", "passwd", "apiKey")
	contexts := []func() string{
		func() string { return name + " = '" + secret + "'" },
		func() string { return "ENV " + strings.ToUpper(name) + " " + secret },
		func() string { return "docker run -e " + strings.ToUpper(name) + "=" + secret + " img" },
		func() string { return "stringData: {" + name + ": " + secret + "}" },
		func() string { return "machine h.example login u password " + secret },
		func() string { return "curl -u " + c.word() + ":" + secret + " https://h.example" },
		func() string { return "curl --user '" + c.word() + ":" + secret + "' https://h.example" },
		func() string { return "spring.datasource." + name + "=" + secret },
		func() string { return "'" + name + "' => '" + secret + "'," },
		func() string { return "define('" + strings.ToUpper(name) + "', '" + secret + "');" },
		func() string { return "ENV['" + strings.ToUpper(name) + "'] = '" + secret + "'" },
		func() string { return "$env:" + strings.ToUpper(name) + `="` + secret + `"` },
		func() string { return "set " + strings.ToUpper(name) + "=" + secret },
		func() string { return "setx " + strings.ToUpper(name) + ` "` + secret + `"` },
		func() string { return "export const " + name + ": string = `" + secret + "`" },
		func() string { return name + `: "` + secret + `".to_string(),` },
		func() string { return `<property name="` + name + `" value="` + secret + `"/>` },
		func() string { return "<" + name + ` type="s">` + secret + "</" + name + ">" },
		func() string { return `{"headers":{"x-` + name + `":["` + secret + `"]}}` },
		func() string { return `{"name":"Authorization","value":"Bearer ` + secret + `"}` },
		func() string { return "login(user: \"x\", " + name + `: "` + secret + `")` },
		func() string { return name + ":" + secret },
		func() string { return "#" + name + "=" + secret + "&state=1" },
		func() string { return "--" + name + "='" + secret + "'" },
		func() string {
			return `Content-Disposition: form-data; name="` + name + `"\r\n\r\n` + secret + `\r\n--`
		},
		func() string { return "fish: set -gx " + strings.ToUpper(name) + " " + secret },
		func() string { return "sshpass -p " + secret + " ssh h.example" },
		func() string { return "PGPASSWORD=" + secret + " psql -h h" },
		func() string { return "Proxy-Authorization: Bearer " + secret },
		func() string { return "X-Auth: " + c.word() + "; " + name + "=\"" + secret + "\"" },
		func() string { return "os.Setenv(\"" + strings.ToUpper(name) + "\", \"" + secret + "\")" },
		func() string { return "config set " + name + " " + secret },
		func() string { return name + " (new): " + secret },
		func() string { return "| " + name + " | " + secret + " |" },
	}
	return contexts[c.IntN(len(contexts))](), secret
}

// ordinaryElsewhere holds no secret either.
func (c corpus) ordinaryElsewhere() string {
	word := c.word
	contexts := []func() string{
		func() string { return "ENV PATH /usr/" + word() + "/bin:/usr/bin" },
		func() string { return "set -e; set -o pipefail; set " + word() },
		func() string { return "curl -u " + word() + " https://h.example" },
		func() string { return "machine learning login page password field" },
		func() string { return "define('" + strings.ToUpper(word()) + "', '" + word() + "');" },
		func() string { return "password (required): " + c.pick("yes", "true", "string") },
		func() string { return "| password | required | string |" },
		func() string { return "Content-Disposition: form-data; name=\"file\"; filename=\"" + word() + ".txt\"" },
		func() string { return "token bucket: " + word() + ", rate " + c.text(digits, 2) },
		func() string {
			return "node_modules/" + word() + "-" + word() + "/dist/index.js:" + c.text("123456789", 3)
		},
		func() string { return "at " + word() + "." + word() + " (/home/u/" + word() + "/token.ts:10:5)" },
		func() string {
			return "BenchmarkToken-8   " + c.text("123456789", 7) + "   " + c.text("123456789", 3) + " ns/op"
		},
		func() string { return "ok  \topenclaw/gateway/auth\t" + c.text("123456789", 1) + ".123s" },
		func() string { return "-rw-r--r-- 1 u u 1204 Feb 25 10:30 secrets.md" },
		func() string { return "password: string; // at least 12 characters" },
		func() string { return "export interface Token { kind: string; value: string }" },
		func() string { return "tokens used: 1234 in, 567 out; cost $0.0123" },
		func() string {
			return "arn:aws:secretsmanager:eu-west-1:" + c.text(digits, 12) + ":secret:" + word() + "-AbCdEf"
		},
		func() string { return "s3://bucket/" + c.text(hexDigits, 40) + "/object" },
		func() string { return "blob " + c.text(hexDigits, 64) + " tree " + c.text(hexDigits, 40) },
		func() string { return "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA" + c.text(base64Text, 120) },
		func() string { return "PASSWORD_HASHERS = ['" + word() + "." + word() + "']" },
		func() string {
			return "password_policy=" + c.pick("strict", "default") + " token_ttl=3600s secret_count=4"
		},
		func() string { return "Set up your API key in Settings → " + word() },
		func() string { return "no API key found for " + word() + "; run openclaw secrets set " + word() },
		func() string { return "sshpass: command not found; " + word() + " -p 8080:80 " + word() },
		func() string { return "docker run -p 127.0.0.1:8080:80 -e MODE=" + word() + " img" },
		func() string {
			return "next-auth@4." + c.text("123456789", 2) + " jsonwebtoken@9.0.2 passport-local@1.0.0"
		},
		func() string {
			return "CVE-2026-" + c.text("123456789", 5) + " GHSA-" + c.text(lowers, 4) + "-" + c.text(lowers, 4) + "-" + c.text(lowers, 4)
		},
		func() string { return c.uuid() + " " + c.uuid() + " key-value pairs" },
		func() string { return "key-" + c.text(digits, 6) + " task-" + c.text(hexDigits, 32) },
		func() string {
			return "pass " + word() + " " + word() + "; PASS: TestToken (0.01s); --- PASS: TestSecret"
		},
	}
	return contexts[c.IntN(len(contexts))]()
}
