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
