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
#include <unistd.h>

#include "hosting/cert_exec.h"

#include "base/clock.h"
#include "base/mem.h"
#include "hosting/cert_source.h"
#include "io/pki.h"

#include "base/poison.h"

#define HOST_CAP 254
#define OUTPUT_MAX (64u * 1024)

struct cert_exec {
	pthread_mutex_t lock;
	int fd; /* a seqpacket socket: one host out, one answer in */
	pid_t pid;
};

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

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		dup2(to, STDOUT_FILENO) < 0)
		_exit(126);
	(void)alarm(CERT_EXEC_TIMEOUT_S);
	(void)execv(command, argv);
	_exit(127);
}

/* What the command writes, or 0 bytes when it failed. */
static size_t output_of(const char *command, const char *host, char *buf)
{
	int pipe_fd[2], status = -1;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return 0;
	pid = fork();
	if (pid == 0)
		run_command(command, host, pipe_fd[1]);
	(void)close(pipe_fd[1]);
	while (pid > 0 && used < OUTPUT_MAX &&
		(n = read(pipe_fd[0], buf + used, OUTPUT_MAX - used)) > 0)
		used += (size_t)n;
	(void)close(pipe_fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ||
		used == OUTPUT_MAX)
		return 0;
	return used;
}

static _Noreturn void helper(const char *command, int fd)
{
	static char buf[OUTPUT_MAX];
	char host[HOST_CAP];
	sigset_t none;
	ssize_t n;
	size_t len;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	while ((n = recv(fd, host, sizeof(host) - 1, 0)) > 0) {
		host[n] = '\0';
		len = is_host(host, (size_t)n) ? output_of(command, host, buf)
					       : 0;
		if (send(fd, len == 0 ? "!" : buf, len == 0 ? 1 : len,
			    MSG_NOSIGNAL) < 0)
			break;
		mem_wipe(buf, sizeof(buf));
	}
	_exit(0);
}

/* ---- in the role ------------------------------------------------------- */

enum status cert_exec_start(
	const char *command, struct cert_exec **out, struct err *e)
{
	int size = OUTPUT_MAX * 2, fd[2];
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
		helper(command, fd[1]);
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
	*out = x;
	return ST_OK;
}

static enum status ask(struct cert_exec *x, struct str host, char *buf,
	size_t cap, size_t *out, struct err *e)
{
	struct pollfd p = { .fd = x->fd, .events = POLLIN };
	ssize_t n;

	if (send(x->fd, host.p, host.n, MSG_NOSIGNAL) < 0 ||
		poll(&p, 1, (CERT_EXEC_TIMEOUT_S + 5) * 1000) <= 0)
		return err_set(e, ST_TEMP, "cert.exec: no answer");
	n = recv(x->fd, buf, cap, MSG_TRUNC);
	if (n <= 0)
		return err_set(e, ST_TEMP, "cert.exec: the helper is gone");
	if ((size_t)n > cap || n == 1)
		return err_set(e, ST_INVALID,
			"cert.exec: the command failed for %.*s",
			STR_ARG(host));
	*out = (size_t)n;
	return ST_OK;
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
