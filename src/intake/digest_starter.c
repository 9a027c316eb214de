/* SPDX-License-Identifier: Apache-2.0 */
/* digest_starter: first the process, then its parent's side. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "intake/digest_child.h"
#include "intake/digest_starter.h"
#include "intake/dkim.h"
#include "intake/unpack.h"
#include "io/channel.h"
#include "io/fd.h"
#include "io/sandbox.h"

#include "base/poison.h"

#define MEMORY_MAX ((rlim_t)1 << 30)
#define SAY_MS 60000
#define START_MS 30000
#define SAID_MAX 20u /* bytes of a message */

/* A byte, and a descriptor beside it. */
struct parcel {
	char byte;
	struct iovec v;
	struct msghdr m;
	_Alignas(struct cmsghdr) char beside[CMSG_SPACE(sizeof(int))];
};

static void parcel_init(struct parcel *p)
{
	*p = (struct parcel){};
	p->v = (struct iovec){ &p->byte, 1 };
	p->m.msg_iov = &p->v;
	p->m.msg_iovlen = 1;
	p->m.msg_control = p->beside;
	p->m.msg_controllen = sizeof(p->beside);
}

/* ---- the process ---- */

static bool limit(int what, rlim_t max)
{
	struct rlimit r = { max, max };

	return setrlimit(what, &r) == 0;
}

/*
 * For the children too: no core dumps, no files; sanitizers need the whole
 * address space.
 */
static enum status confine(struct err *e)
{
	struct sandbox box = { .allow = SANDBOX_NET_IN | SANDBOX_COPY };

	if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) ||
		(!MOAT_SANITIZED && !limit(RLIMIT_AS, MEMORY_MAX)))
		return err_set(e, ST_PERM, "limits cannot be set");
	return sandbox_enter(&box, e);
}

/* The next descriptor that comes. ST_NOTFOUND: there will be none. */
static enum status take_fd(int control, int *out)
{
	struct parcel p;
	struct cmsghdr *c;
	ssize_t n;

	parcel_init(&p);
	do
		n = recvmsg(control, &p.m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return ST_NOTFOUND;
	c = n < 0 ? NULL : CMSG_FIRSTHDR(&p.m);
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
		c->cmsg_type != SCM_RIGHTS ||
		c->cmsg_len != CMSG_LEN(sizeof(*out)))
		return ST_TEMP;
	memcpy(out, CMSG_DATA(c), sizeof(*out));
	return ST_OK;
}

static struct mono in_ms(int64_t ms)
{
	struct mono t = clock_mono(clock_system());

	t.ms += ms;
	return t;
}

static enum status say(int control, struct str what)
{
	return channel_write(control, what, in_ms(SAY_MS), NULL);
}

/* In the copy: its descriptor takes the place of the starter's. */
__attribute__((noreturn)) static void be_child(
	int control, int fd, digest_child_fn *child)
{
	if (dup2(fd, control) < 0)
		_exit(EXIT_FAILURE);
	(void)close(fd);
	_exit(child(control));
}

static enum status start_child(int control, digest_child_fn *child)
{
	int fd = -1;
	enum status st = take_fd(control, &fd);
	char room[SAID_MAX];
	struct sbuf b = sbuf_fixed(room, sizeof(room));
	pid_t pid;

	if (st != ST_OK)
		return st;
	pid = sandbox_copy();
	if (pid == 0)
		be_child(control, fd, child);
	fd_close(&fd);
	sbuf_fmt(&b, "%d", pid);
	return say(control, sbuf_str(&b));
}

int digest_starter_main(int fd, digest_child_fn *child)
{
	struct err e = {};
	enum status st;

	log_set_role(DIGEST_STARTER);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	unpack_prepare();
	dkim_mail_prepare();
	if (confine(&e) != ST_OK) {
		LOG(LOG_ERROR, "digest.unconfined", KV_Z("reason", e.text));
		return EXIT_FAILURE;
	}
	st = say(fd, STR(DIGEST_READY));
	while (st == ST_OK)
		st = start_child(fd, child);
	return st == ST_NOTFOUND ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- its parent's side ---- */

struct digest_starter {
	const char *program;
	digest_child_fn *child;
	pid_t pid; /* 0: it does not run */
	int fd;
};

struct digest_starter *digest_starter_new(
	const char *program, digest_child_fn *child)
{
	struct digest_starter *s = mem_must(sizeof(*s));

	s->program = program;
	s->child = child;
	s->fd = -1;
	return s;
}

static int end(struct digest_starter *s)
{
	int status = 0;

	fd_close(&s->fd);
	if (s->pid == 0)
		return 0;
	(void)kill(s->pid, SIGKILL);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	return status;
}

void digest_starter_free(struct digest_starter **s)
{
	if (*s == NULL)
		return;
	(void)end(*s);
	mem_free(*s);
	*s = NULL;
}

void digest_starter_renew(struct digest_starter *s)
{
	(void)end(s);
}

void digest_starter_look(struct digest_starter *s)
{
	int status;

	if (s->pid == 0 || waitpid(s->pid, &status, WNOHANG) != s->pid)
		return;
	s->pid = 0;
	fd_close(&s->fd);
	LOG(LOG_WARN, "digest.starter_lost", KV_INT("status", status));
}

__attribute__((noreturn)) static void be_starter(
	const struct digest_starter *s, int fd)
{
	const char *argv[] = { "moatd", "--role", DIGEST_STARTER, NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(fd, STDIN_FILENO) < 0 ||
		close_range(STDERR_FILENO + 1, ~0u, 0) < 0)
		_exit(EXIT_FAILURE);
	if (s->program == NULL)
		_exit(digest_starter_main(STDIN_FILENO, s->child));
	(void)execv(s->program, (char *const *)(uintptr_t)argv);
	_exit(EXIT_FAILURE);
}

/* What it says next. */
static enum status hear(const struct digest_starter *s, struct arena *a,
	struct str *out, struct err *e)
{
	enum status st = channel_read(
		s->fd, a, SAID_MAX, in_ms(START_MS), out, e);

	return st == ST_OK ? ST_OK : ST_TEMP;
}

static enum status start(
	struct digest_starter *s, struct arena *a, struct err *e)
{
	struct str said = {};
	enum status st;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, ST_TEMP, errno, "socketpair");
	s->pid = fork();
	if (s->pid == 0)
		be_starter(s, ends[1]);
	fd_close(&ends[1]);
	if (s->pid < 0) {
		s->pid = 0;
		fd_close(&ends[0]);
		return err_sys(e, ST_TEMP, errno, "fork");
	}
	s->fd = ends[0];
	st = hear(s, a, &said, e);
	if (st == ST_OK && !str_eq(said, STR(DIGEST_READY)))
		st = err_set(e, ST_TEMP, "it says something else");
	if (st != ST_OK)
		err_prefix(e, "the reader does not start");
	return st;
}

static enum status send_fd(
	const struct digest_starter *s, int fd, struct err *e)
{
	struct parcel p;
	struct cmsghdr *c;

	parcel_init(&p);
	c = CMSG_FIRSTHDR(&p.m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(s->fd, &p.m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		return ST_OK;
	return err_sys(e, ST_TEMP, errno, "the reader's starter");
}

/* Has a child started that talks over fd. */
static enum status ask(const struct digest_starter *s, struct arena *a, int fd,
	pid_t *pid, struct err *e)
{
	enum status st = send_fd(s, fd, e);
	struct str said = {};
	int64_t n = 0;

	if (st == ST_OK)
		st = hear(s, a, &said, e);
	if (st == ST_OK && num_i64(said, 1, INT32_MAX, &n) != ST_OK)
		st = err_set(e, ST_TEMP, "the reader cannot be copied");
	if (st == ST_OK)
		*pid = (pid_t)n;
	return st;
}

static enum status child_of(struct digest_starter *s, struct arena *a,
	pid_t *pid, int *fd, struct err *e)
{
	enum status st = ST_OK;
	int ends[2];

	if (s->pid == 0)
		st = start(s, a, e);
	if (st != ST_OK)
		return st;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, ST_TEMP, errno, "socketpair");
	st = ask(s, a, ends[1], pid, e);
	fd_close(&ends[1]);
	if (st == ST_OK)
		*fd = ends[0];
	else
		fd_close(&ends[0]);
	return st;
}

enum status digest_starter_child(
	struct digest_starter *s, pid_t *pid, int *fd, struct err *e)
{
	struct arena *a = arena_must(0);
	bool used = s->pid != 0;
	enum status st = child_of(s, a, pid, fd, e);

	if (st != ST_OK && used) { /* it has died meanwhile */
		LOG(LOG_WARN, "digest.starter_lost", KV_INT("status", end(s)));
		st = child_of(s, a, pid, fd, e);
	}
	if (st != ST_OK)
		LOG(LOG_ERROR, "digest.child_not_started",
			KV_INT("status", end(s)));
	arena_free(&a);
	return st;
}
