package configs

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

func (v *validator) providers() {
	for _, name := range slices.Sorted(maps.Keys(v.config().Providers)) {
		p := v.config().Providers[name]
		key := childKey("providers", name)
		v.name("a provider", key, name)
		v.reference(childKey(key, "api_key"), p.APIKey, name)
		known := slices.Contains(KnownProviders(), name)
		if p.BaseURL == "" && !known {
			v.fail(key, "write base_url, the URL of the provider's API", "needs base_url%s", didYouMean(name, KnownProviders()))
		}
		if p.Kind == "" && !known {
			v.fail(key, "write kind: anthropic, kind: openai or kind: gemini, the API that it speaks", "needs kind")
		}
		v.budget(childKey(key, "budget"), p.Budget)
		for i, pattern := range p.Paths {
			v.providerPath(itemKey(childKey(key, "paths"), i), pattern)
		}
		if p.BaseURL != "" {
			v.baseURL(childKey(key, "base_url"), p.BaseURL)
		}
	}
}

var pathForm = form(`^([A-Z]+ )?(/[A-Za-z0-9._~:@+*-]+)+$`)

// providerPath checks a pattern of what is passed on.
func (v *validator) providerPath(key, pattern string) {
	const hint = "write /v1/files/*, or GET /v1/files/** for one method and all below"
	method, path, one := strings.Cut(pattern, " ")
	if !one {
		path = pattern
	}
	rest := strings.TrimSuffix(path, "/**")
	switch {
	case path == "/**" && !one:
		v.warn(key, "name the paths that are needed", "passes everything on that the provider's key can do: files, batches, the administration of its account")
	case rest != "" && !pathForm().MatchString(strings.TrimSuffix(pattern, "/**")), strings.Contains(rest, "**"), slices.ContainsFunc(strings.Split(rest, "/"), func(segment string) bool { return segment == "." || segment == ".." }):
		v.fail(key, hint, "%s is not a path", quote(pattern))
	case one && !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, method):
		v.fail(key, hint, "%s is not a method that is passed on", quote(method))
	}
}

func (v *validator) baseURL(key, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		v.fail(key, "", "is not a URL")
	case u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		v.fail(key, "write https://host/path", "is not an https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		v.fail(key, "the key goes to api_key", "must hold no user, password, query or fragment")
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		v.fail(key, "write https://", "sends the key to %s in the clear", quote(u.Hostname()))
	}
}

func (v *validator) agents() {
	c := v.config()
	for _, name := range slices.Sorted(maps.Keys(c.Roles)) {
		v.name("a role", childKey("roles", name), name)
	}
	roles := slices.Sorted(maps.Keys(c.Roles))
	for _, name := range slices.Sorted(maps.Keys(c.Agents)) {
		agent := c.Agents[name]
		key := childKey("agents", name)
		if v.name("an agent", key, name) && (name == "operator" || name == "gateway") {
			v.fail(key, "choose another name", "%s is what the audit log calls the person, or the program itself", quote(name))
		}
		if _, ok := c.Roles[agent.Role]; !ok && v.written(childKey(key, "role")) {
			v.fail(childKey(key, "role"), "", "there is no role %s%s", quote(agent.Role), didYouMean(agent.Role, roles))
		}
		if v.written(childKey(key, "command")) && (len(agent.Command) == 0 || strings.TrimSpace(agent.Command[0]) == "") {
			v.fail(childKey(key, "command"), "", "is empty")
		}
		v.agentProvider(childKey(key, "provider"), agent.Provider)
		v.limits(childKey(key, "limits"), agent.Limits)
		v.budget(childKey(key, "budget"), agent.Budget)
		v.agentEnv(childKey(key, "env"), agent.Env)
	}
}

func (v *validator) agentProvider(key, name string) {
	if _, ok := v.config().Providers[name]; name == "" || ok {
		return
	}
	if slices.Contains(KnownProviders(), name) {
		return // they are there without being written
	}
	known := append(slices.Collect(maps.Keys(v.config().Providers)), KnownProviders()...)
	v.fail(key, "", "there is no provider %s%s", quote(name), didYouMean(name, known))
}

// agentEnv warns of variables that would carry the person's own secrets in.
func (v *validator) agentEnv(key string, env []string) {
	for i, name := range env {
		if secretName(name) {
			v.warn(itemKey(key, i), "the gateway adds keys to calls by itself", "%s is handed to the agent as it is", name)
		}
	}
}

func secretName(name string) bool {
	upper := strings.ToUpper(name)
	return slices.ContainsFunc([]string{"API_KEY", "TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "CREDENTIAL"}, func(part string) bool {
		return strings.Contains(upper, part)
	})
}

// budget checks the names of models; the numbers are checked where they stand.
func (v *validator) budget(key string, b Budget) {
	for i, name := range b.AllowedModels {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			v.fail(itemKey(childKey(key, "allowed_models"), i), "write claude-sonnet-5, or gpt-5* for all that begin so", "%s is not a model's name", quote(name))
		}
	}
}

func (v *validator) limits(key string, l Limits) {
	if l.Memory != "" || v.written(childKey(key, "memory")) {
		if _, err := ParseSize(l.Memory); err != nil {
			v.fail(childKey(key, "memory"), "write 512MB or 4GB", "%s is not a size of at least 1MB", quote(l.Memory))
		}
	}
	if l.CPU != "" || v.written(childKey(key, "cpu")) {
		if _, err := parseCores(l.CPU); err != nil {
			v.fail(childKey(key, "cpu"), "write a number of cores, such as 1.5", "%s is not a number of cores", quote(l.CPU))
		}
	}
}

// policies compiles the policy of every agent, and every role that no agent
// has, and maps the compiler's problems to places in the text.
func (v *validator) policies() {
	c := v.config()
	if v.decoder.overflow {
		return // refused already
	}
	used := map[string]bool{}
	for _, name := range v.snapshot.Agents() {
		used[c.Agents[name].Role] = true
		if ValidName(name) {
			compiled, problems := policy.Compile(v.snapshot.policyInput(name))
			v.compiled(problems)
			v.snapshot.policies[name] = compiled
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Roles)) {
		if !used[name] {
			input := v.snapshot.policyInput("role")
			input.Workspace, input.Env = "", nil
			input.Own, input.OwnKey = c.Roles[name].Permissions, childKey("roles", name)
			input.Role, input.RoleKey = policy.Permissions{}, ""
			_, problems := policy.Compile(input)
			v.compiled(problems)
		}
	}
}

func (v *validator) compiled(problems []policy.Problem) {
	for _, p := range problems {
		at := v.at(p.Key)
		same := func(q Problem) bool {
			return !q.Warning && q.Line == at.line && q.Key == p.Key || q.Key == p.Key && q.Message == p.Message
		}
		if slices.ContainsFunc(v.problems, same) || slices.ContainsFunc(v.decoder.problems, same) {
			continue // two agents share a role, or the decoder said it better
		}
		v.add(Problem{Key: p.Key, Message: p.Message, Warning: p.Warning})
	}
}
