// Package learn turns what a program did into the narrowest policy that lets it
// do the same again.
//
// It owns the Recorder, which lets a cage's questions through once they are on
// record, and Propose, which makes lines of the config from what was recorded.
// It promises that nothing is let through that is not on record, that the same
// accesses make the same proposal, and that a run under the proposal would ask
// about nothing that the proposal was made from. It never runs anything, never
// writes a file, and never proposes what a rule denies.
//
// # The rules
//
//  1. A file that was opened is proposed by its own name: to read, or to write
//     if it was opened or changed for writing. A program that was run is
//     proposed to read.
//  2. Names that were removed, renamed, linked or made as a link stand for their
//     folder, to write: a file that is bound by its own name can be changed, but
//     not replaced. Folders that the run made are proposed whole, to write.
//  3. A folder that was listed is proposed, to read, if entries of it were
//     looked at by name as well, or if nothing below it is proposed. Otherwise
//     the proposed files are what the program sees in it.
//  4. Siblings: four or more entries of one folder with the same access become
//     that folder; and so on upwards.
//  5. What is too wide is never proposed: the root and its folders, the home
//     folder and what holds it, a dot folder of home as a whole (~/.config, but
//     not ~/.config/tool), and a folder that holds something the built-in rules
//     deny. Such accesses are named apart.
//  6. A file that was looked at by name (stat, access) is proposed to read; a
//     folder or a link that was only looked at is not.
//  7. What looks secret by its name (.env, id_*, *.pem, token…) is named apart
//     and not proposed; inside a proposed folder it is denied, also when the run
//     did not touch it. A folder with more than twenty of them is not proposed.
//  8. A name that holds a secret that the gateway knows is shown without it, and
//     not proposed.
//  9. A name on the network is proposed exactly, and with its port, as an address
//     is that was named itself: without one the rule is about every port.
package learn
