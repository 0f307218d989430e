package redact

// moreTokens are the shapes of more issuers, by their documents, and of the hashes
// of passwords: who has one can try passwords at leisure.
var moreTokens = []token{
	{prefix: "aio_", alphabet: alphanumeric, min: 28, max: 28, digit: true},
	{prefix: "ABSK", alphabet: alphanumeric | padding, min: 100},
	{prefix: "v1.0-", alphabet: hexadecimal | dash, min: 160},
	{prefix: "dnkey-", alphabet: upper | digit | dash, min: 70},
	{prefix: "duffel_live_", alphabet: wordDash, min: 40},
	{prefix: "duffel_test_", alphabet: wordDash, min: 40},
	{prefix: "EZTK", alphabet: alphanumeric, min: 54, max: 54},
	{prefix: "ico-", alphabet: alphanumeric, min: 32, max: 32, digit: true},
	{prefix: "s-s4t2ud-", alphabet: hexadecimal, min: 64},
	{prefix: "s-s4t2af-", alphabet: hexadecimal, min: 64},
	{prefix: "API-", alphabet: upper | digit, min: 25, max: 32, digit: true},
	{prefix: "sha256~", alphabet: wordDash, min: 43, max: 43},
	{prefix: "pscale_oauth_", alphabet: identifier, min: 32},
	{prefix: "tk-us-", alphabet: wordDash, min: 48},
	{prefix: "sm_aat_", alphabet: alphanumeric, min: 16},
	{prefix: "sm_pat_", alphabet: alphanumeric, min: 16},
	{prefix: "sm_sat_", alphabet: alphanumeric, min: 16},
	{prefix: "AQVN", alphabet: wordDash, min: 34, max: 40},
	{prefix: "t1.9euelZ", alphabet: wordDash, min: 40},
	{prefix: "npg_", alphabet: alphanumeric, min: 12, max: 16, digit: true, mixed: true},
	{prefix: "secret-live-", alphabet: wordDash | padding, min: 30, digit: true},
	{prefix: "secret-test-", alphabet: wordDash | padding, min: 30, digit: true},
	{prefix: "secret-token:", alphabet: word, min: 30, digit: true},
	{prefix: "cflt", alphabet: alphanumeric | padding, min: 56, digit: true},
	{prefix: "AAAAAAAAAAAAAAAAAAAAA", alphabet: alphanumeric | padding, min: 60, digit: true, mixed: true},
	{prefix: "sdk-", alphabet: hexadecimal | dash, min: 36, max: 36, digit: true},
	{prefix: "A3-", alphabet: upper | digit | dash, min: 33, max: 40, digit: true},
	{prefix: "KEY0", alphabet: alphanumeric, min: 32, digit: true},
	{prefix: "pat.", alphabet: identifier, min: 60, max: 90, digit: true, solid: 20},
	{prefix: "sat.", alphabet: identifier, min: 60, max: 90, digit: true, solid: 20},
	{prefix: "pk_", alphabet: upper | digit | underscore, min: 38, max: 46, digit: true, solid: 30},

	// Documented forms that were not here: hosting, checks of code, mail, money, chains.
	{prefix: "sk.eyJ", alphabet: identifier, min: 60},         // Mapbox
	{prefix: "y0_", alphabet: wordDash, min: 50, digit: true}, // Yandex OAuth
	{prefix: "y0__", alphabet: wordDash, min: 50, digit: true},
	{prefix: "nbp_", alphabet: alphanumeric, min: 36, max: 36, check: checkGitHub}, // NetBird
	{prefix: "sktsec_", alphabet: word, min: 30},                                   // Socket
	{prefix: "os_v2_app_", alphabet: lower | digit, min: 80},                       // OneSignal
	{prefix: "os_v2_org_", alphabet: lower | digit, min: 80},
	{prefix: "ATTA", alphabet: hexadecimal, min: 64, max: 80, digit: true}, // Trello
	{prefix: "cmVmdGtu", alphabet: alphanumeric, min: 50, max: 60},         // a reference of Artifactory: reftkn in base64
	{prefix: "pdl_live_apikey_", alphabet: word, min: 40},                  // Paddle
	{prefix: "pdl_sdbx_apikey_", alphabet: word, min: 40},
	{prefix: "AQE", alphabet: alphanumeric | padding, min: 60, digit: true, mixed: true}, // Adyen
	{prefix: "QN_", alphabet: hexadecimal, min: 32, max: 32, digit: true},                // QuickNode
	{prefix: "sk-lf-", alphabet: hexadecimal | dash, min: 36, max: 36},                   // Langfuse
	{prefix: "ddp_", alphabet: alphanumeric, min: 36, max: 40, digit: true},              // Deno
	{prefix: "vtwn_", alphabet: alphanumeric, min: 20},                                   // Val Town
	{prefix: "cfk_", alphabet: wordDash, min: 36},                                        // Cloudflare, since 2026
	{prefix: "cfat_", alphabet: wordDash, min: 36},
	{prefix: "SCW", alphabet: upper | digit, min: 17, max: 17, digit: true}, // Scaleway

	{prefix: "K10", alphabet: hexadecimal, min: 64, max: 64},
	{prefix: "SWMTKN-1-", alphabet: wordDash, min: 60},
	{prefix: "glrtr-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "t-gp_", alphabet: alphanumeric, min: 32},
	{prefix: "exa_", alphabet: hexadecimal | dash, min: 32},
	{prefix: "eyJrIjoi", alphabet: alphanumeric | padding, min: 60},
	{prefix: "access_token$", alphabet: lower | digit | dollar, min: 50},
	{prefix: "amzn.mws.", alphabet: hexadecimal | dash, min: 36, max: 36},
	{prefix: "amzn1.oa2-cs.v1.", alphabet: hexadecimal, min: 60},
	{prefix: "v1.local.", alphabet: identifier, min: 60},
	{prefix: "v2.local.", alphabet: identifier, min: 60},
	{prefix: "v3.local.", alphabet: identifier, min: 60},
	{prefix: "v4.local.", alphabet: identifier, min: 60},
	{prefix: "v2.public.", alphabet: identifier, min: 60},
	{prefix: "v4.public.", alphabet: identifier, min: 60},
	{prefix: "MDAxY2xvY2F0aW9uI", alphabet: wordDash | padding, min: 60},

	// What crypt(3), htpasswd, LDAP and frameworks make of a password.
	{prefix: "$2a$", alphabet: crypted, min: 50},
	{prefix: "$2b$", alphabet: crypted, min: 50},
	{prefix: "$2y$", alphabet: crypted, min: 50},
	{prefix: "$1$", alphabet: crypted, min: 26},
	{prefix: "$5$", alphabet: crypted, min: 44},
	{prefix: "$6$", alphabet: crypted, min: 60},
	{prefix: "$y$", alphabet: crypted, min: 50},
	{prefix: "$apr1$", alphabet: crypted, min: 26},
	{prefix: "$argon2", alphabet: crypted, min: 40},
	{prefix: "$scrypt$", alphabet: crypted, min: 40},
	{prefix: "$pbkdf2", alphabet: crypted | dash, min: 40},
	{prefix: "pbkdf2_sha", alphabet: crypted, min: 40},
	{prefix: "{SSHA", alphabet: crypted | closing, min: 32},
}

// crypted are the bytes of a hash in crypt's form: $id$salt$hash.
const crypted = alphanumeric | dot | padding | dollar
