/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_starter: the process that starts the children of digest
 * (digest_child.h). To load the libraries, let them read their files and close
 * a sandbox takes some 15 ms; a copy of a process that has done all that takes
 * less than one. So each batch of reports has a child of its own.
 *
 * The starter is confined as its children are, but that it may copy itself
 * (SANDBOX_COPY), and sees nothing that a stranger wrote. The copies are
 * children of digest, which waits for them and kills them.
 *
 * On its socket, the standard input, it says DIGEST_READY once. Then, for each
 * descriptor that comes with a byte, it starts a child that has it as standard
 * input, and says its process id. At the end of file it ends.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/status.h"

/* moatd --role DIGEST_STARTER */
#define DIGEST_STARTER "digest-child"

/* What a child does with its descriptor; its exit code. */
typedef int digest_child_fn(int fd);

/* The process; its exit code. */
int digest_starter_main(int fd, digest_child_fn *child);

struct digest_starter;

/*
 * program: run as "PROGRAM --role DIGEST_STARTER"; NULL: a fork of this
 * process, whose children do what child does.
 */
struct digest_starter *digest_starter_new(
	const char *program, digest_child_fn *child);

/* Ends the starter; children go on. */
void digest_starter_free(struct digest_starter **s);

/*
 * A new child, which the caller must wait for, and a socket to it. The starter
 * is started if there is none. ST_TEMP: no child can be started.
 */
enum status digest_starter_child(
	struct digest_starter *s, pid_t *pid, int *fd, struct err *e);

/*
 * The next child is no copy of the starter that there was. All copies of one
 * have their memory at the same addresses, so whoever makes them crash could
 * find these out by and by.
 */
void digest_starter_renew(struct digest_starter *s);

/* Waits for a starter that has ended by itself. */
void digest_starter_look(struct digest_starter *s);
