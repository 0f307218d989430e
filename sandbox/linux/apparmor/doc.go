// Package apparmor lets a machine whose AppArmor refuses user namespaces to
// programs it does not know (Ubuntu 23.10 and later) allow them to this one.
//
// It owns the text of the profile, and its file in /etc/apparmor.d. The profile
// confines nothing; it names the program by its real path, so that the rule
// `userns,` holds for it and for no other. Who can replace the file at that path
// gets the same right, which Warning says.
//
// Install shows what it will do before it does it, changes no file that is not
// its own, writes to a temporary name, syncs and renames. It acts as root only;
// for everyone else Command says what to run under sudo.
package apparmor
