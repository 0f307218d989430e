package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain/redact"
	"openclaw/keychain/vault"
	"openclaw/sandbox"
)

// bundleFolder is the folder in a support bundle that all of it is in.
const bundleFolder = "openclaw-support/"

// supportBundle is a support bundle in the making. What is added goes through the
// redactor, all of it, whoever made it.
type supportBundle struct {
	masker *redact.Masker
	mask   func(string) string // of the terminal
	files  []wire.SupportFile
	notes  []string
}

func (b *supportBundle) add(name, about, text string) {
	for _, mask := range []func(string) string{b.mask, b.masker.Text} {
		text = maskLines(text, func(line []byte) []byte { return []byte(mask(string(line))) })
	}
	b.files = append(b.files, wire.SupportFile{Name: name, About: b.mask(about), Content: text})
}

// note says something of the bundle itself, to who makes it and to who reads it.
func (b *supportBundle) note(format string, values ...any) {
	b.notes = append(b.notes, b.mask(fmt.Sprintf(format, values...)))
}

// writeBundle makes a support bundle and says what is in it. Nothing of it leaves this
// machine.
func (t *terminal) writeBundle(ctx context.Context, name string, lines int) error {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return usage("choose another name", "%s is there already", printable(name))
	}
	if lines < 1 || lines > mostSupportLines {
		return usage(fmt.Sprintf("it is from 1 to %d", mostSupportLines), "--lines %d is not possible", lines)
	}
	layout, err := t.layout()
	if err != nil {
		return err
	}
	b := &supportBundle{mask: t.masked}
	snapshot, problem := t.loadConfig()
	var logging configs.Logging
	if problem == nil {
		logging = snapshot.Config.Logging
	}
	if b.masker, err = redact.New(redact.Options{Patterns: logging.RedactPatterns, Replacement: logging.RedactReplacement}); err != nil {
		return err
	}
	t.knowVariables(b.masker)
	found, took := t.bundleMachine(ctx, b)
	times := map[string]any{"probe_ms": took.Milliseconds()}
	b.add("versions.json", "versions of openclaw, its parts, Go and the system", string(encoded(t.versions(found))))
	if problem != nil {
		b.note("the config does not load: %v", problem)
		b.add("config-error.txt", "why the config does not load", problem.Error()+"\n")
	}
	t.bundleGateway(ctx, b, layout, snapshot, lines, times)
	b.add("timings.json", "how long what was asked here took, in milliseconds", string(encoded(times)))

	archive, err := b.archive(time.Now())
	if err != nil {
		return fmt.Errorf("make the support bundle: %w", err)
	}
	if err := writeNew(name, archive); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return usage("choose another name", "%s is there already", printable(name))
		}
		return &failure{err: fmt.Errorf("write the support bundle: %w", err), hint: "check the folder of " + name + " and its space; nothing was left there"}
	}
	t.print("%s, %d KiB, for your eyes only (mode 0600). Nothing was sent anywhere. In it:", printable(name), (len(archive)+1023)/1024)
	for _, file := range b.files {
		t.print("  %-22s %7d bytes  %s", file.Name, len(file.Content), printable(file.About))
	}
	for _, note := range b.notes {
		t.print("note: %s", printable(note))
	}
	t.print("Look through it before you send it: secrets are taken out, but names of folders, agents, hosts and commands are in it.")
	t.print("  tar -xzOf %s | less", printable(name))
	return nil
}

// knowVariables tells the masker the values of this program's own variables that are
// named like secrets.
func (t *terminal) knowVariables(masker *redact.Masker) {
	for _, pair := range t.environ {
		name, value, _ := strings.Cut(pair, "=")
		for _, word := range []string{"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"} {
			if strings.Contains(strings.ToUpper(name), word) {
				masker.Add(name, []byte(value))
				break
			}
		}
	}
}

// bundleMachine adds what doctor says, and what it found.
func (t *terminal) bundleMachine(ctx context.Context, b *supportBundle) (found sandbox.Capabilities, took time.Duration) {
	began := time.Now()
	found = sandbox.Probe(ctx)
	took = time.Since(began)
	b.add("capabilities.json", "what this machine can enforce, each mechanism tried", string(encoded(found)))
	said, err := t.said(func(t *terminal) { t.showDoctor(ctx, found) })
	if err != nil {
		said += "\n(" + err.Error() + ")\n"
	}
	b.add("doctor.txt", "what 'openclaw doctor' says", said)
	return found, took
}

// said is what a part of a command prints.
func (t *terminal) said(do func(*terminal)) (string, error) {
	reading, writing, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("make a pipe: %w", err)
	}
	defer reading.Close()
	text := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(reading) // it ends with the other side
		text <- all
	}()
	quiet := *t
	quiet.out = writing
	do(&quiet)
	err = writing.Close()
	return string(<-text), err
}

// versions is what runs here.
func (t *terminal) versions(found sandbox.Capabilities) map[string]any {
	fips, module := vault.Mode()
	out := map[string]any{
		"openclaw": version, "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH, "kernel": found.Kernel,
		"fips": fips, "cryptographic_module": module, "made": time.Now().UTC().Format(time.RFC3339),
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		parts := map[string]string{}
		for _, part := range build.Deps {
			parts[part.Path] = part.Version
		}
		out["modules"] = parts
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" || setting.Key == "vcs.modified" || setting.Key == "CGO_ENABLED" || setting.Key == "-tags" {
				out[setting.Key] = setting.Value
			}
		}
	}
	if text, err := os.ReadFile("/etc/os-release"); err == nil {
		for line := range strings.SplitSeq(string(text), "\n") {
			if value, is := strings.CutPrefix(line, "PRETTY_NAME="); is {
				out["distribution"] = strings.Trim(value, `"`)
			}
		}
	}
	return out
}

// bundleGateway adds what the gateway that runs here knows, which takes out the secrets
// that it can read; without one, what lies on the disk.
func (t *terminal) bundleGateway(ctx context.Context, b *supportBundle, layout configs.Layout, snapshot *configs.Snapshot, lines int, times map[string]any) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	c, err := dial(ctx, layout)
	if err == nil {
		defer c.Close()
		times["gateway_connect_ms"] = time.Since(began).Milliseconds()
		began = time.Now()
		var o event.Overview
		if err := c.Call(ctx, wire.MethodOverview, nil, &o); err == nil {
			times["gateway_answer_ms"] = time.Since(began).Milliseconds()
		}
		began = time.Now()
		var result wire.SupportResult
		if err = c.Call(ctx, wire.MethodSupport, wire.SupportParams{Lines: lines}, &result); err == nil {
			times["gateway_support_ms"] = time.Since(began).Milliseconds()
			for _, file := range result.Files {
				b.add(file.Name, file.About, file.Content)
			}
			for _, name := range result.Unread {
				b.note("the secret %s could not be read: its value is not looked for in what was logged before it was known", name)
			}
			return
		}
	}
	if errors.Is(err, errNoGateway) {
		b.note("no gateway runs here: the logs are as it redacted them when it wrote them, and once more by the rules")
	} else {
		b.note("the gateway that runs here did not answer: %v", err)
	}
	if snapshot == nil { // the logs are where they are by default
		var problem error
		if snapshot, problem = configs.Parse(layout.Config(), configs.DefaultFile(), configs.Options{Layout: layout, Getenv: t.getenv}); problem != nil {
			b.note("the default config does not load: %v", problem)
			return
		}
	}
	for _, file := range diskFiles(ctx, layout, snapshot, lines) {
		b.add(file.Name, file.About, file.Content)
	}
}

// archive is the bundle as a file.
func (b *supportBundle) archive(now time.Time) ([]byte, error) {
	var list strings.Builder
	fmt.Fprintf(&list, "A support bundle of openclaw, made on %s. Secrets were taken out; look through it before you send it.\n\n", now.UTC().Format(time.RFC3339))
	for _, file := range b.files {
		fmt.Fprintf(&list, "%-22s %s\n", file.Name, file.About)
	}
	for _, note := range b.notes {
		fmt.Fprintf(&list, "\nnote: %s\n", note)
	}
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	files := tar.NewWriter(packed)
	for _, file := range append([]wire.SupportFile{{Name: "README.txt", Content: list.String()}}, b.files...) {
		header := &tar.Header{Name: bundleFolder + file.Name, Mode: 0o600, Size: int64(len(file.Content)), ModTime: now, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if err := files.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(files, file.Content); err != nil {
			return nil, err
		}
	}
	err := errors.Join(files.Close(), packed.Close())
	return out.Bytes(), err
}
