/* SPDX-License-Identifier: Apache-2.0 */
/* program: fork, exec, two pipes, a deadline. */
#include "io/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/sbuf.h"
#include "io/channel.h"
#include "io/fd.h"

#include "base/poison.h"

#define PIECE 16384u
#define SAID_MAX 256u /* of standard error, for the text of a fault */
#define LOOK_NS 5000000L

struct run {
	pid_t pid;
	int out, err; /* the ends that we read; -1 after their end */
	struct mono until;
	char said[SAID_MAX];
	size_t said_n;
};

__attribute__((noreturn)) static void become(
	const char *const *argv, int out, int err)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale[] = "LC_ALL=C";
	char *const env[] = { path, locale, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setpgid(0, 0); /* what it starts ends with it */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	(void)execve(argv[0], (char *const *)(uintptr_t)argv, env);
	_exit(127);
}

static enum status start(struct run *r, const char *const *argv, struct err *e)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	enum status st = ST_OK;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		st = err_sys(e, ST_TEMP, errno, "pipe");
	if (st == ST_OK) {
		r->pid = fork();
		if (r->pid == 0)
			become(argv, out[1], err[1]);
		if (r->pid < 0)
			st = err_sys(e, ST_TEMP, errno, "fork");
		else
			(void)setpgid(r->pid, r->pid);
	}
	fd_close(&out[1]);
	fd_close(&err[1]);
	if (st != ST_OK) {
		fd_close(&out[0]);
		fd_close(&err[0]);
	}
	r->out = out[0];
	r->err = err[0];
	return st;
}

/* A piece of one of the pipes; false: it is at its end. */
static bool read_piece(int fd, char *buf, struct str *piece)
{
	ssize_t n = read(fd, buf, PIECE);

	if (n < 0 && errno == EINTR)
		n = 0;
	else if (n <= 0)
		return false;
	*piece = (struct str){ buf, (size_t)n };
	return true;
}

static void keep_said(struct run *r, struct str s)
{
	size_t n = sizeof(r->said) - r->said_n;

	s = str_upto(s, n);
	memcpy(r->said + r->said_n, s.p, s.n);
	r->said_n += s.n;
}

static enum status read_all(
	struct run *r, program_fn *fn, void *ctx, struct err *e)
{
	char buf[PIECE];
	struct str piece;

	while (r->out >= 0 || r->err >= 0) {
		struct pollfd w[2] = { { .fd = r->out, .events = POLLIN },
			{ .fd = r->err, .events = POLLIN } };
		int rc = poll(w, 2, channel_left_ms(r->until));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return err_set(e, ST_TEMP, "it takes too long");
		if (w[0].revents != 0 && !read_piece(r->out, buf, &piece))
			fd_close(&r->out);
		else if (w[0].revents != 0 && !fn(ctx, piece))
			return err_set(e, ST_LIMIT, "it writes too much");
		if (w[1].revents != 0 && !read_piece(r->err, buf, &piece))
			fd_close(&r->err);
		else if (w[1].revents != 0)
			keep_said(r, piece);
	}
	return ST_OK;
}

/* Its end, for which it gets until the deadline; then it is killed. */
static int end(struct run *r, bool wait)
{
	const struct timespec pause = { 0, LOOK_NS };
	int status = 0;
	pid_t rc;

	while ((rc = waitpid(r->pid, &status, WNOHANG)) == 0 && wait &&
		channel_left_ms(r->until) > 0)
		(void)nanosleep(&pause, NULL);
	(void)kill(-r->pid, SIGKILL);
	if (rc == 0)
		rc = waitpid(r->pid, &status, 0);
	return rc == r->pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Its lines are shown in one, without control characters. */
static enum status failed(const struct run *r, int code, struct err *e)
{
	char text[4 * SAID_MAX + 1];
	struct sbuf b = sbuf_fixed(text, sizeof(text) - 1);
	struct str rest = str_trim((struct str){ r->said, r->said_n });

	while (rest.n > 0) {
		sbuf_escaped(&b, str_cut(&rest, '\n'));
		sbuf_addz(&b, rest.n > 0 ? "; " : "");
	}
	text[b.n] = '\0';
	return err_set(
		e, ST_INVALID, "exit %d%s%s", code, b.n > 0 ? ": " : "", text);
}

enum status program_run(const char *const *argv, int limit_ms, program_fn *fn,
	void *ctx, struct err *e)
{
	struct run r = { .out = -1, .err = -1 };
	enum status st;
	int code;

	BUG(argv[0][0] != '/');
	r.until.ms = clock_mono(clock_system()).ms + limit_ms;
	if (access(argv[0], X_OK) < 0)
		return err_sys(e, errno == EACCES ? ST_PERM : ST_NOTFOUND,
			errno, "%s", argv[0]);
	st = start(&r, argv, e);
	if (st == ST_OK) {
		st = read_all(&r, fn, ctx, e);
		code = end(&r, st == ST_OK);
		if (st == ST_OK && code != 0)
			st = failed(&r, code, e);
	}
	if (st != ST_OK)
		err_prefix(e, "%s", argv[0]);
	fd_close(&r.out);
	fd_close(&r.err);
	return st;
}

static bool collect(void *ctx, struct str piece)
{
	struct sbuf *b = ctx;

	sbuf_add(b, piece);
	return sbuf_ok(b);
}

enum status program_output(const char *const *argv, int limit_ms,
	struct arena *a, size_t max, struct str *out, struct err *e)
{
	struct sbuf b = sbuf_arena(a, max);
	enum status st = program_run(argv, limit_ms, collect, &b, e);

	if (st == ST_OK)
		*out = sbuf_str(&b);
	return st;
}
