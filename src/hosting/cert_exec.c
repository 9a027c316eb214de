/* SPDX-License-Identifier: Apache-2.0 */
/* cert_exec: the helper and how to ask it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hosting/cert_exec.h"

#include "base/clock.h"
#include "base/mem.h"
#include "hosting/cert_source.h"
#include "io/pki.h"

#include "base/poison.h"

#define HOST_CAP 254
#define OUTPUT_MAX (64u * 1024)
#define GRACE_MS 2000 /* for the helper to say that time was up */
#define LOOK_NS 20000000L

/*
 * Over a seqpacket socket: a number and a host out, the number and the answer
 * in. An answer that comes when nobody waits for it any more is told by it.
 */
#define ID_BYTES sizeof(uint32_t)

struct cert_exec {
	pthread_mutex_t lock;
	int fd;
	pid_t pid;
	int64_t limit_ms;
	uint32_t id; /* of the last request */
};

static int64_t now_ms(void)
{
	return clock_mono(clock_system()).ms;
}

/* Waits for something to read; false: until_ms has come first. */
static bool readable(int fd, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left = until_ms - now_ms();
	int rc = left > 0 ? poll(&p, 1, (int)left) : 0;

	return rc > 0 || (rc < 0 && errno == EINTR);
}

/* ---- in the helper ----------------------------------------------------- */

static bool is_host(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!chr_is_alnum(p[i]) && p[i] != '-' && p[i] != '.')
			return false;
	return n > 0 && chr_is_alnum(p[0]);
}

static _Noreturn void run_command(const char *command, const char *host, int to)
{
	char *const argv[] = { strdup(command), strdup(host), NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setpgid(0, 0); /* what it starts ends with it */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		dup2(to, STDOUT_FILENO) < 0)
		_exit(126);
	(void)execv(command, argv);
	_exit(127);
}

/* Did it end well before until_ms? If not in time, all of it is ended. */
static bool ends_well(pid_t pid, int64_t until_ms)
{
	const struct timespec pause = { 0, LOOK_NS };
	int status = -1;
	pid_t rc;

	while ((rc = waitpid(pid, &status, WNOHANG)) == 0 &&
		now_ms() < until_ms)
		(void)nanosleep(&pause, NULL);
	/* Its children too, which may hold the pipe longer than it lives. */
	(void)kill(-pid, SIGKILL);
	if (rc == 0)
		(void)waitpid(pid, NULL, 0);
	return rc == pid && status == 0;
}

/* What the command writes, or 0 bytes when it failed. */
static size_t output_of(
	const char *command, const char *host, int64_t limit_ms, char *buf)
{
	int64_t until_ms = now_ms() + limit_ms;
	int pipe_fd[2];
	size_t used = 0;
	ssize_t n = -1;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return 0;
	pid = fork();
	if (pid == 0)
		run_command(command, host, pipe_fd[1]);
	(void)close(pipe_fd[1]);
	if (pid > 0)
		(void)setpgid(pid, pid); /* whoever of the two is first */
	while (pid > 0 && used < OUTPUT_MAX && readable(pipe_fd[0], until_ms) &&
		(n = read(pipe_fd[0], buf + used, OUTPUT_MAX - used)) > 0)
		used += (size_t)n;
	(void)close(pipe_fd[0]);
	/* n is not 0: time was up, or it wrote too much. */
	if (pid < 0 || !ends_well(pid, n == 0 ? until_ms : 0) || n != 0)
		return 0;
	return used;
}

static _Noreturn void helper(const char *command, int64_t limit_ms, int fd)
{
	static char buf[ID_BYTES + OUTPUT_MAX];
	char request[ID_BYTES + HOST_CAP];
	const char *host = request + ID_BYTES;
	sigset_t none;
	ssize_t n;
	size_t len;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	while ((n = recv(fd, request, sizeof(request) - 1, 0)) >
		(ssize_t)ID_BYTES) {
		request[n] = '\0';
		len = is_host(host, (size_t)n - ID_BYTES)
			      ? output_of(
					command, host, limit_ms, buf + ID_BYTES)
			      : 0;
		memcpy(buf, request, ID_BYTES);
		if (send(fd, buf, ID_BYTES + len, MSG_NOSIGNAL) < 0)
			break;
		mem_wipe(buf, sizeof(buf));
	}
	_exit(0);
}

/* ---- in the role ------------------------------------------------------- */

enum status cert_exec_start(const char *command, int64_t limit_s,
	struct cert_exec **out, struct err *e)
{
	int size = (int)(ID_BYTES + OUTPUT_MAX) * 2, fd[2];
	struct cert_exec *x;
	pid_t pid;

	if (access(command, X_OK) != 0)
		return err_sys(e, ST_PERM, errno, "cert.exec: %s", command);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return err_sys(e, ST_PERM, errno, "socketpair");
	(void)setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	pid = fork();
	if (pid == 0) {
		(void)close(fd[0]);
		helper(command, limit_s * 1000, fd[1]);
	}
	(void)close(fd[1]);
	if (pid < 0) {
		(void)close(fd[0]);
		return err_sys(e, ST_PERM, errno, "fork");
	}
	x = mem_must(sizeof(*x));
	(void)pthread_mutex_init(&x->lock, NULL);
	x->fd = fd[0];
	x->pid = pid;
	x->limit_ms = limit_s * 1000;
	*out = x;
	return ST_OK;
}

/* The answer to the last request, number in front, into buf. */
static enum status answer_of(
	struct cert_exec *x, char *buf, size_t cap, size_t *out, struct err *e)
{
	int64_t until_ms = now_ms() + x->limit_ms + GRACE_MS;
	ssize_t n;

	while (readable(x->fd, until_ms)) {
		n = recv(x->fd, buf, cap, MSG_TRUNC);
		if (n < (ssize_t)ID_BYTES)
			return err_set(
				e, ST_TEMP, "cert.exec: the helper is gone");
		if (memcmp(buf, &x->id, ID_BYTES) != 0)
			continue; /* too late, for another host */
		*out = (size_t)n;
		return ST_OK;
	}
	return err_set(e, ST_TEMP, "cert.exec: no answer");
}

static enum status ask(struct cert_exec *x, struct str host, char *buf,
	size_t cap, size_t *out, struct err *e)
{
	char request[ID_BYTES + HOST_CAP];
	size_t n = 0, size = ID_BYTES + cap;
	enum status st;
	char *answer;

	x->id++;
	memcpy(request, &x->id, ID_BYTES);
	memcpy(request + ID_BYTES, host.p, host.n);
	if (send(x->fd, request, ID_BYTES + host.n,
		    MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return err_set(e, ST_TEMP, "cert.exec: the helper is gone");
	answer = mem_must(size);
	st = answer_of(x, answer, size, &n, e);
	if (st == ST_OK && (n > size || n == ID_BYTES))
		st = err_set(e, ST_INVALID,
			"cert.exec: the command failed for %.*s",
			STR_ARG(host));
	if (st == ST_OK) {
		*out = n - ID_BYTES;
		memcpy(buf, answer + ID_BYTES, *out);
	}
	mem_wipe(answer, size);
	mem_free(answer);
	return st;
}

enum status cert_exec_run(struct cert_exec *x, struct str host, char *buf,
	size_t cap, size_t *n, struct err *e)
{
	enum status st;

	if (host.n >= HOST_CAP)
		return err_set(e, ST_INVALID, "host name too long");
	(void)pthread_mutex_lock(&x->lock);
	st = ask(x, host, buf, cap, n, e);
	(void)pthread_mutex_unlock(&x->lock);
	return st;
}

void cert_exec_stop(struct cert_exec **x)
{
	if (*x == NULL)
		return;
	(void)close((*x)->fd); /* the helper reads the end and goes */
	(void)pthread_mutex_destroy(&(*x)->lock);
	mem_free(*x);
	*x = NULL;
}

enum status cert_from_exec(const struct cert_env *env, struct arena *a,
	struct str host, struct cert_material *out, struct err *e)
{
	char *buf = mem_must(OUTPUT_MAX);
	struct cert_material m = {};
	struct str pem = { buf, 0 };
	enum status st = env->exec == NULL
				 ? err_set(e, ST_PERM, "cert.exec is not set")
				 : cert_exec_run(env->exec, host, buf,
					   OUTPUT_MAX, &pem.n, e);

	if (st == ST_OK)
		st = pki_chain_read_pem(a, pem, &m.chain, &m.n, e);
	if (st == ST_OK)
		st = pki_key_read_pem(pem, &m.key, e);
	if (st == ST_OK)
		*out = m;
	mem_wipe(buf, OUTPUT_MAX);
	mem_free(buf);
	return st;
}
