// Package file owns how the keychain packages touch the disk: writes that are
// whole or did not happen, locks between processes, and reads of files that
// only their owner may read.
//
// Replace writes a temporary file in the same folder, syncs it, renames it over
// the old one and syncs the folder; after a crash at any point the name holds
// the old or the new bytes, whole. Acquire locks a file of its own that is never
// renamed. ReadPrivate judges the file that it opened, not the name, so a file
// that is swapped in between is judged too; ReadTrusted judges who may write. Nothing
// here retries, caches or logs.
package file
