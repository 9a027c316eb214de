/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: what a process may still ask of the kernel once it has begun to
 * handle what strangers send. An allow-list of system calls (seccomp) and,
 * where the kernel has it, of folders (Landlock). A call that is not on the
 * list ends the process; sanitizer builds, whose runtime needs more, only log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/status.h"

enum {
	SANDBOX_NET_IN = 1 << 0,   /* accept and talk on sockets it was given */
	SANDBOX_NET_OUT = 1 << 1,  /* make sockets and connect them */
	SANDBOX_UNIX_OUT = 1 << 2, /* as NET_OUT, unix sockets only */
	SANDBOX_READ = 1 << 3,	   /* open files for reading */
	SANDBOX_WRITE = 1 << 4, /* create, change, rename, sync, lock files */
	SANDBOX_FORK = 1 << 5,	/* start child processes and programs */
	SANDBOX_COPY = 1 << 6,	/* sandbox_copy */
};
/* Always: memory, time, threads, waiting, reading and writing what is open. */

struct sandbox {
	unsigned allow; /* SANDBOX_ bits */
	/*
	 * Files, and folders with all that is below them; each list ends with
	 * NULL, or is NULL. What is missing is skipped.
	 */
	const char *const *read;
	const char *const *write;
};

/*
 * Sets no_new_privs and shuts the process in, for good. Landlock binds only
 * the calling thread and those it starts later, so call it before any thread.
 * ST_PERM: seccomp is not to be had.
 */
enum status sandbox_enter(const struct sandbox *s, struct err *e);

/*
 * For a process that was allowed SANDBOX_COPY, and has no threads: as fork, but
 * the copy is a child of the caller's parent, who waits for it and may kill it,
 * and with whom it dies; it cannot copy itself, nor send signals. -1 and errno:
 * there is none. A copy that cannot be shut in ends at once.
 */
pid_t sandbox_copy(void);

/* What the last sandbox_enter reached: "seccomp landlock", "log only". */
const char *sandbox_state(void);
