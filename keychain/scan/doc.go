// Package scan finds keys that stand in clear in a person's files, and takes them
// out: .env files, shell profiles, and the settings of known agents.
//
// # Promises
//
//   - Find reads and changes nothing. A Finding has the place, the name and the
//     bytes that would be replaced; its value prints as bullets.
//   - A parser that does not understand a file says so with the line and finds
//     nothing in it: a guess could cut a file in the wrong place. No error quotes
//     the file.
//   - A literal is replaced only where the format has a replacement that its
//     program understands, or that leaves the variable unset. Otherwise Advice says
//     what a person has to do, and the file stays.
//   - Rewrite judges the file that it opened: a regular file of the user of this
//     process, writable, under one name only. It refuses when the content is no
//     longer what was scanned, writes beside the file, keeps mode and group, syncs,
//     renames and syncs the folder. A symbolic link stays one; the file behind it
//     is rewritten. A kill at any point leaves the old or the new file whole, and
//     in a temporary file at most the new content, which the next Rewrite in the
//     folder removes.
//   - A backup is encrypted before it reaches the disk (WriteBackup).
//
// # Never
//
// Nothing is executed or expanded: a value that a shell would compute is no
// literal. A key of a known form that stands elsewhere than as a value (in a comment, an
// alias, a command), or a password in an address, is noted with its line and not cut. Log-ins that a program renews by itself (OAuth access, refresh and ID
// tokens) are left to it. What a name or a value is judged to be is a judgement:
// a key under an unusual name and of no known form is not found.
//
// # Sources of the places
//
// The programs' own documents as of November 2026: Claude Code (settings.json,
// env), Codex (auth.json, config.toml), aider (.aider.conf.yml, .env), Continue
// (config.yaml, config.json, .env), opencode (opencode.json, auth.json), Gemini CLI
// (settings.json, .env), Goose (secrets.yaml).
package scan
