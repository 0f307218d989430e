package redact

// infix is a text in the middle of an issuer's keys, and what they have on both
// sides of it.
type infix struct {
	text     string // as it stands
	back     uint16 // alphabet before
	min, max int    // bytes before
	forward  uint16 // alphabet behind
	least    int    // bytes behind
	most     int
}

var infixes = [...]infix{
	{text: ".atlasv1.", back: alphanumeric, min: 14, max: 14, forward: wordDash, least: 40, most: 90},                   // HCP Terraform
	{text: ":APA91b", back: wordDash, min: 11, max: 160, forward: wordDash, least: 100, most: 200},                      // Firebase
	{text: "%3AAPA91b", back: wordDash, min: 11, max: 160, forward: wordDash, least: 100, most: 200},                    // in a query
	{text: "JQQJ99", back: alphanumeric, min: 52, max: 52, forward: alphanumeric, least: 26, most: 26},                  // Azure, since 2024
	{text: "AZDO", back: alphanumeric, min: 76, max: 76, forward: alphanumeric, least: 4, most: 4},                      // Azure DevOps
	{text: "+ASt", back: alphanumeric | padding, min: 76, max: 76, forward: alphanumeric | padding, least: 6, most: 10}, // Azure Storage
	{text: "AzFu", back: wordDash, min: 44, max: 44, forward: wordDash | padding, least: 6, most: 10},                   // Azure Functions
	{text: "AzSe", back: alphanumeric, min: 42, max: 42, forward: alphanumeric, least: 6, most: 6},                      // Azure AI Search
	{text: "ACDb", back: alphanumeric | padding, min: 76, max: 76, forward: alphanumeric | padding, least: 6, most: 10}, // Cosmos DB
	{text: "!AQ", back: alphanumeric, min: 15, max: 18, forward: identifier, least: 60, most: 160},                      // Salesforce
	{text: "_mmk", back: word, min: 36, max: 36},                                                                        // MaxMind
	{text: ".acc-", back: identifier, min: 20, max: 64, forward: identifier | padding, least: 40, most: 90},             // Authress
	{text: "::server:", back: alphanumeric, min: 60, max: 70, forward: alphanumeric, least: 20, most: 64},               // K3s
	{text: "msh", back: hexadecimal, min: 10, max: 10, forward: alphanumeric, least: 37, most: 37},                      // RapidAPI: …msh…p1…jsn…
	{text: "-us", back: hexadecimal, min: 32, max: 32, forward: digit, least: 1, most: 2},                               // Mailchimp
}

// match judges a hit of the text at [start, end).
func (f *infix) match(text []byte, start, end int, past *runs) (span, bool) {
	if string(text[start:end]) != f.text {
		return span{}, false
	}
	from := runBack(text, start, f.max, f.back)
	if start-from < f.min || from > 0 && start-from == f.max && f.min == f.max && !boundary(text, from) {
		return span{}, false
	}
	stop := past.run(text, end, f.forward)
	if stop-end < f.least || stop-end > f.most || stop < len(text) && is(text[stop], word) {
		return span{}, false
	}
	if f.text == "-us" && count(text[from:start], digit) < 4 {
		return span{}, false
	}
	return span{from: from, start: from, end: stop}, true
}
