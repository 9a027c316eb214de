/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: everything is laid out before fork; between fork and exec only calls
 * that are safe there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/sbuf.h"
#include "base/vec.h"
#include "daemon/child.h"
#include "daemon/inherit.h"
#include "io/fd.h"

#include "base/poison.h"

#define NAMES_MAX_BYTES 32768
#define PROGRAM "/proc/self/exe" /* also after an upgrade replaced the file */

struct layout {
	struct arena *arena;
	int fds[INHERIT_MAX];
	size_t n;
	struct sbuf names; /* LISTEN_FDNAMES= */
	char pid[32];	   /* LISTEN_PID=, filled in by the child */
	const char *argv[12];
	struct {
		char **items;
		size_t n, cap;
	} env;
};

static void add_fd(struct layout *l, const char *name, int fd)
{
	BUG(l->n == INHERIT_MAX);
	sbuf_fmt(&l->names, "%s%s", l->n == 0 ? "LISTEN_FDNAMES=" : ":", name);
	l->fds[l->n++] = fd;
}

static void add_env(struct layout *l, char *var)
{
	BUG(!VEC_PUSH(l->arena, &l->env, var));
}

static char *fmt_env(struct layout *l, struct str s)
{
	char *p = arena_alloc(l->arena, s.n + 1);

	BUG(p == NULL);
	memcpy(p, s.p, s.n);
	return p;
}

static void lay_out_env(struct layout *l)
{
	for (char **var = environ; *var != NULL; var++)
		if (strncmp(*var, "LISTEN_", 7) != 0 &&
			strncmp(*var, "NOTIFY_SOCKET=", 14) != 0)
			add_env(l, *var);
	BUG(!sbuf_ok(&l->names));
	add_env(l, fmt_env(l, sbuf_str(&l->names)));
	add_env(l, fmt_env(l, arena_fmt(l->arena, "LISTEN_FDS=%zu", l->n)));
	add_env(l, l->pid);
	add_env(l, NULL);
}

static const char *fmt_number(struct layout *l, long n)
{
	return arena_fmt(l->arena, "%ld", n).p;
}

static void lay_out_args(struct layout *l, const struct child_plan *plan)
{
	size_t n = 0;

	l->argv[n++] = "moatd";
	l->argv[n++] = "--role";
	l->argv[n++] = plan->role->name;
	l->argv[n++] = "--worker";
	l->argv[n++] =
		arena_fmt(l->arena, "%u/%u", plan->worker, plan->workers).p;
	l->argv[n++] = "--supervisor";
	l->argv[n++] = fmt_number(l, getpid());
	if (plan->settings_path != NULL) {
		l->argv[n++] = "--config";
		l->argv[n++] = plan->settings_path;
	}
}

/* 3, 4, ... without stepping on one that is still to be moved. */
static bool place_fds(struct layout *l)
{
	const int behind = INHERIT_FIRST_FD + (int)l->n;

	for (size_t i = 0; i < l->n; i++) {
		l->fds[i] = fcntl(l->fds[i], F_DUPFD_CLOEXEC, behind);
		if (l->fds[i] < 0)
			return false;
	}
	for (size_t i = 0; i < l->n; i++)
		if (dup2(l->fds[i], INHERIT_FIRST_FD + (int)i) < 0)
			return false;
	return close_range((unsigned)behind, ~0u, 0) == 0;
}

static bool quiet_stdin(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && dup2(fd, STDIN_FILENO) >= 0;
}

__attribute__((noreturn)) static void become_role(struct layout *l)
{
	static const char failed[] = "moatd: cannot exec a role\n";
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)snprintf(l->pid, sizeof(l->pid), "LISTEN_PID=%d", (int)getpid());
	if (quiet_stdin() && place_fds(l))
		(void)execve(PROGRAM, (char *const *)(uintptr_t)l->argv,
			l->env.items);
	if (write(STDERR_FILENO, failed, sizeof(failed) - 1) < 0)
		_exit(1);
	_exit(1);
}

enum status child_start(
	const struct child_plan *plan, pid_t *pid, int *ready, struct err *e)
{
	struct layout l = { .arena = arena_must(0) };
	enum status st = ST_OK;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		st = err_sys(e, ST_TEMP, errno, "pipe");
		goto out;
	}
	l.names = sbuf_arena(l.arena, NAMES_MAX_BYTES);
	add_fd(&l, "ready", ends[1]);
	for (size_t i = 0; i < plan->sockets->n; i++) {
		const struct bound *b = &plan->sockets->items[i];

		if (b->role == plan->role &&
			(b->worker == plan->worker || b->worker == ALL_WORKERS))
			add_fd(&l, b->name, b->fd);
	}
	lay_out_env(&l);
	lay_out_args(&l, plan);
	child = fork();
	if (child == 0)
		become_role(&l);
	fd_close(&ends[1]);
	if (child < 0) {
		st = err_sys(e, ST_TEMP, errno, "fork");
		fd_close(&ends[0]);
		goto out;
	}
	*pid = child;
	*ready = ends[0];
out:
	arena_free(&l.arena);
	return st;
}
