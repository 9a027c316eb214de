/* SPDX-License-Identifier: Apache-2.0 */
/*
 * back: the skeleton of roles that work: plain blocking code that asks now
 * and then whether to stop.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/role_process.h"
#include "io/fd.h"

#include "base/poison.h"

/* Readable once SIGTERM came; nobody reads it, so it stays so. */
static int stop_fd = -1;

static enum status watch_stop(struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, ST_PERM, errno, "sigprocmask");
	stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop_fd < 0)
		return err_sys(e, ST_PERM, errno, "signalfd");
	/* A terminal's Ctrl-C reaches all; the supervisor decides. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	return ST_OK;
}

int role_stop_fd(const struct role_env *env)
{
	(void)env;
	return stop_fd;
}

bool role_wait(const struct role_env *env, int ms)
{
	struct pollfd p = { .fd = stop_fd, .events = POLLIN };

	(void)env;
	return poll(&p, 1, ms) > 0;
}

bool role_stopping(const struct role_env *env)
{
	return role_wait(env, 0);
}

int back_run(struct role_env *env, const struct role *role)
{
	void *state = NULL;
	struct err e = {};
	enum status st;

	st = watch_stop(&e);
	if (st == ST_OK)
		st = role_process_enter(env, role, &state, &e);
	if (st == ST_OK) {
		role_process_ready();
		st = role->start(env, state, &e);
	}
	if (st != ST_OK)
		LOG(LOG_ERROR, "role.failed", KV_Z("reason", e.text));
	role->close(&state);
	fd_close(&stop_fd);
	return st == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
