/* SPDX-License-Identifier: Apache-2.0 */
/* Each row runs in a child of its own, which the kernel kills or lets be. */
#include "tests/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/sandbox.h"

#include "base/poison.h"

static char dir[] = "/tmp/moat-sandbox-XXXXXX";
static char inside[64], fresh[64];

static int do_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int do_fork(void)
{
	return fork() == 0 ? 0 : 0;
}

static int do_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}

static int do_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}

static int do_socket_pair(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0;
}

static int do_read_file(void)
{
	return open(inside, O_RDONLY | O_CLOEXEC) < 0;
}

static int do_write_file(void)
{
	return open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0;
}

static int do_unlink(void)
{
	return unlink(fresh) != 0 && errno != ENOENT;
}

static int do_run_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int do_kill(void)
{
	return kill(getppid(), 0);
}

static int do_thread_kill(void)
{
	return tgkill(getppid(), getppid(), 0);
}

static int do_raise(void)
{
	return raise(SIGCONT);
}

/* A signal that the kernel sends when there is something to read. */
static int do_owner(void)
{
	return fcntl(STDIN_FILENO, F_SETOWN, getppid());
}

/* The kernel takes 32 bits of it. */
static int do_owner_in_a_word(void)
{
	return (int)syscall(SYS_fcntl, STDIN_FILENO,
		(UINT64_C(1) << 32) | F_SETOWN, getppid());
}

static int do_fcntl(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	return fd < 0 || fcntl(fd, F_GETFD) < 0 || fcntl(fd, F_GETFL) < 0 ||
	       close(fd) != 0;
}

static int do_outlive(void)
{
	return prctl(PR_SET_PDEATHSIG, 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static int do_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) != 0 ||
	       pthread_join(t, NULL) != 0;
}

static int do_heap(void)
{
	for (size_t n = 1; n < 1u << 26; n *= 4) {
		char *p = malloc(n);

		if (p == NULL)
			return 1;
		p[n - 1] = 1;
		free(p);
	}
	return 0;
}

static int do_outside(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? 0 : 1;
}

/* Of the copy, once it is this process's parent's. */
static int in_copy(int (*fn)(void))
{
	pid_t pid = sandbox_copy();

	if (pid == 0)
		_exit(fn());
	return pid < 0;
}

static int do_copy(void)
{
	return in_copy(do_heap);
}

static int do_copy_in_copy(void)
{
	return in_copy(do_copy);
}

static int do_fork_in_copy(void)
{
	return in_copy(do_fork);
}

static int do_thread_in_copy(void)
{
	return in_copy(do_thread);
}

static int do_kill_in_copy(void)
{
	return in_copy(do_thread_kill);
}

static pid_t starter;

static int do_kill_starter(void)
{
	/* Where nothing is forbidden, the starter may have ended by now. */
	(void)tgkill(starter, starter, 0);
	return 0;
}

static int do_kill_starter_in_copy(void)
{
	starter = getpid();
	return in_copy(do_kill_starter);
}

static int do_outlive_in_copy(void)
{
	return in_copy(do_outlive);
}

static const struct {
	const char *what;
	unsigned allow;
	int (*fn)(void);
	bool killed;
} rows[] = {
	{ "exec", 0, do_exec, true },
	{ "exec by a net role", SANDBOX_NET_IN | SANDBOX_NET_OUT, do_exec,
		true },
	{ "exec by a file role", SANDBOX_READ | SANDBOX_WRITE, do_exec, true },
	{ "fork", 0, do_fork, true },
	{ "fork where allowed", SANDBOX_FORK, do_fork, false },
	{ "socket", 0, do_socket, true },
	{ "socket by a listener", SANDBOX_NET_IN, do_socket, true },
	{ "socket by a unix client", SANDBOX_UNIX_OUT, do_socket, true },
	{ "socket where allowed", SANDBOX_NET_OUT, do_socket, false },
	{ "unix socket", SANDBOX_NET_IN, do_unix_socket, true },
	{ "unix socket where allowed", SANDBOX_UNIX_OUT, do_unix_socket,
		false },
	{ "socket pair by a listener", SANDBOX_NET_IN, do_socket_pair, true },
	{ "socket pair for a child", SANDBOX_FORK, do_socket_pair, false },
	{ "socket pair where allowed", SANDBOX_NET_OUT, do_socket_pair, false },
	{ "open", 0, do_read_file, true },
	{ "open where allowed", SANDBOX_READ, do_read_file, false },
	{ "create by a reader", SANDBOX_READ, do_write_file, true },
	{ "create where allowed", SANDBOX_WRITE, do_write_file, false },
	{ "unlink by a reader", SANDBOX_READ, do_unlink, true },
	{ "unlink where allowed", SANDBOX_WRITE, do_unlink, false },
	{ "memory that can run", SANDBOX_NET_IN, do_run_code, true },
	{ "signal to others", SANDBOX_NET_IN, do_kill, true },
	{ "signal to another's thread", SANDBOX_NET_IN, do_thread_kill, true },
	{ "signal to itself", 0, do_raise, false },
	{ "signal by a descriptor", SANDBOX_NET_IN, do_owner, true },
	{ "signal by a long number", SANDBOX_NET_IN, do_owner_in_a_word, true },
	{ "signal where allowed", SANDBOX_FORK, do_thread_kill, false },
	{ "descriptors", 0, do_fcntl, false },
	{ "fork by who copies itself", SANDBOX_COPY, do_fork, true },
	{ "exec by who copies itself", SANDBOX_COPY, do_exec, true },
	{ "copy", 0, do_copy, true },
	{ "threads", 0, do_thread, false },
	{ "heap", 0, do_heap, false },
};

/* The wait status of a child that entered the sandbox and ran fn. */
static int run(unsigned allow, int (*fn)(void))
{
	const char *paths[] = { dir, NULL };
	struct sandbox s = { allow, paths, paths };
	struct err e = {};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (sandbox_enter(&s, &e) != ST_OK)
			_exit(99);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void forbidden_calls_kill(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int status = run(rows[i].allow, rows[i].fn);
		bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;

		if (killed != (rows[i].killed && !MOAT_SANITIZED))
			fail_msg("%s: wait status %x", rows[i].what, status);
		if (!rows[i].killed && status != 0)
			fail_msg("%s: wait status %x", rows[i].what, status);
	}
}

/* The wait status of a copy that ran fn, which is a child of ours. */
static int run_copy(int (*fn)(void))
{
	int status = -1;

	assert_int_equal(run(SANDBOX_COPY, fn), 0);
	assert_true(wait(&status) > 0);
	while (wait(NULL) > 0) /* copies of copies */
		;
	return status;
}

static void a_copy_may_less(void **state)
{
	static const struct {
		int (*fn)(void);
		bool killed;
	} in[] = { { do_copy, false }, { do_thread_in_copy, false },
		{ do_copy_in_copy, true }, { do_fork_in_copy, true },
		{ do_kill_in_copy, true }, { do_kill_starter_in_copy, true },
		{ do_outlive_in_copy, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		int status = run_copy(in[i].fn);
		bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;

		if (killed != (in[i].killed && !MOAT_SANITIZED) ||
			(!killed && status != 0))
			fail_msg("row %zu: wait status %x", i, status);
	}
}

static int landlock_known(void)
{
	return strcmp(sandbox_state(), "seccomp landlock") == 0 ? 0 : 1;
}

static void files_outside_the_folders_stay_shut(void **state)
{
	(void)state;
	if (run(SANDBOX_READ, landlock_known) != 0)
		return; /* this kernel has no Landlock, or a sanitizer runs */
	assert_int_equal(run(SANDBOX_READ, do_outside), 0);
	assert_int_equal(run(SANDBOX_WRITE, do_outside), 0);
}

static int make_dir(void **state)
{
	int fd;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(inside, sizeof(inside), "%s/inside", dir);
	(void)snprintf(fresh, sizeof(fresh), "%s/fresh", dir);
	fd = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int drop_dir(void **state)
{
	(void)state;
	(void)unlink(inside);
	(void)unlink(fresh);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(a_copy_may_less),
		cmocka_unit_test(files_outside_the_folders_stay_shut),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
