// Package terminal gives a run a terminal of its own in place of the person's.
//
// On the person's, a program of the run would read what they type to their shell
// once the run is suspended or in the background (the kernel keeps from it only who
// heeds job control, and a program that left the session need not), and what it
// types itself (TIOCSTI) would be the next thing that their shell reads. On its own
// it reads what was passed to it, and types to itself.
//
// It owns the pair of terminals and the person's terminal's modes while what is
// typed there is passed on. Run shows what the command writes until Finish, and then
// returns after all of it has been shown. Attach has the person's keys passed on,
// Detach ends that and puts the modes back as they were; Close does both for good.
// Size and modes are the person's to begin with, the modes as they are when it is attached
// first unless the command has set its own by then, and the size follows theirs. When
// theirs has gone, HangUp has the command's be gone as well; while it is attached that
// happens by itself.
//
// It never decides who is in the foreground, and sends no signal: see sandbox.
// Say shows a line of ours between what the command writes, never over what draws.
// What the person typed for the run and no program of it read goes with it.
package terminal
