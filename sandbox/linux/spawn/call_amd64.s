//go:build linux

#include "textflag.h"

// func call(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, errno uintptr)
//
// The child of a clone that shares memory uses this very stack until its parent
// comes back to it, and would leave another address to return to. It is kept in
// a register, of which each has its own.
TEXT ·call(SB),NOSPLIT|NOFRAME,$0-72
	MOVQ	trap+0(FP), AX
	MOVQ	a1+8(FP), DI
	MOVQ	a2+16(FP), SI
	MOVQ	a3+24(FP), DX
	MOVQ	a4+32(FP), R10
	MOVQ	a5+40(FP), R8
	MOVQ	a6+48(FP), R9
	POPQ	R12
	SYSCALL
	PUSHQ	R12
	CMPQ	AX, $0xfffffffffffff001
	JLS	ok
	NEGQ	AX
	MOVQ	$-1, r1+56(FP)
	MOVQ	AX, errno+64(FP)
	RET
ok:
	MOVQ	AX, r1+56(FP)
	MOVQ	$0, errno+64(FP)
	RET
