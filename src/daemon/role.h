/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role: what a process of moatd is. The skeletons front.c and back.c carry
 * what all roles share; a role's own file holds only what is its own.
 *
 * In order: exec · settings · privileges dropped · open() · sandbox · start()
 * · (front: the loop runs) · close(). Sockets arrive already open, by name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/status.h"
#include "io/sandbox.h"

struct loop;
struct settings;

#define ROLE_READS_MAX 16u

enum role_socket_kind { ROLE_TCP, ROLE_UDP, ROLE_UNIX };

/* A socket that the supervisor opens before any role is started. */
struct role_socket {
	const char *name; /* role_fd knows it by this */
	/*
	 * TCP, UDP: "section.key" of a list of addresses, each bound anew for
	 * every worker (SO_REUSEPORT). UNIX, of which all workers share one:
	 * "/FILE" in the run directory, for owner and group of moat; or the
	 * "section.key" of a path anywhere ("": none), with key_owner,
	 * key_group and key_mode beside it.
	 */
	const char *where;
	enum role_socket_kind kind;
};

/* What a role is given; it lives as long as the process. */
struct role_env {
	const struct settings *settings;
	struct loop *loop; /* front roles; NULL in back roles */
	const char *name;
	unsigned worker;  /* 0 to workers - 1 */
	unsigned workers; /* processes of this role */

	/* Of the skeletons. */
	pid_t supervisor;   /* 0: started by hand */
	unsigned sandbox;   /* as the role's, less what it gave up */
	const char *sees;   /* NULL: the state folder */
	const char *writes; /* NULL: the state folder */
	const char *reads[ROLE_READS_MAX];
	size_t n_reads;
};

struct role {
	const char *name;
	bool front;
	unsigned sandbox; /* SANDBOX_ bits of io/sandbox.h */
	bool no_state;	  /* it does not even read the state folder */
	/* Of other folders it reads only what it names in open. */
	bool names_reads;
	/*
	 * The folder in the state folder that is all it needs: no database, no
	 * view, no sealing key. NULL: it needs those.
	 */
	const char *folder;
	const struct role_socket *sockets; /* ended by name NULL, or NULL */
	const char *workers; /* setting with the number, or NULL: 1 */

	/* Opens databases and files by path. Not yet in the sandbox. */
	enum status (*open)(struct role_env *env, void **state, struct err *e);

	/*
	 * Front: registers with env->loop and returns. Back: works until
	 * role_stopping(env) and returns.
	 */
	enum status (*start)(struct role_env *env, void *state, struct err *e);

	/* Called always, with *state NULL too; clears it. */
	void (*close)(void **state);
};

/* All roles there are, in the order of starting, ended by NULL (roles.c). */
extern const struct role *const roles[];

/* The role of that name, or NULL. */
const struct role *role_find(const char *name);

/* Is it named in server.roles? */
bool role_chosen(const struct settings *set, const struct role *role);

/*
 * The i-th socket of that name, or -1 when there are no more. Non-blocking and
 * close-on-exec; listening where that applies. The caller owns it.
 */
int role_fd_at(const struct role_env *env, const char *name, size_t i);

/* As role_fd_at with i = 0. */
int role_fd(const struct role_env *env, const char *name);

/*
 * In open: the role will read this file, or what is below this folder, beside
 * the state folder and, unless the role names_reads, the run directory, /etc
 * and /usr/share. The text is borrowed; NULL and "" are ignored.
 */
void role_allow_read(struct role_env *env, const char *path);

/*
 * In open: of the state folder the role will read only what is below this
 * folder, and below the one it writes. The text is borrowed.
 */
void role_read_below(struct role_env *env, const char *path);

/*
 * In open: of the state folder the role will write only what is below this
 * folder. The text is borrowed.
 */
void role_write_below(struct role_env *env, const char *path);

/* In open: as it is set up, the role does without these SANDBOX_ bits. */
void role_give_up(struct role_env *env, unsigned sandbox);

/* Back roles: true once the role was told to stop. Never waits. */
bool role_stopping(const struct role_env *env);

/* Back roles: sleeps up to ms; true once the role was told to stop. */
bool role_wait(const struct role_env *env, int ms);

/* Back roles: becomes readable when the role is told to stop; do not read. */
int role_stop_fd(const struct role_env *env);
