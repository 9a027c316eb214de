/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front: the skeleton of roles that talk to strangers: one event loop, no
 * blocking call.
 */
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/role_process.h"
#include "io/loop.h"

#include "base/poison.h"

static void on_stop(void *ctx)
{
	loop_stop(ctx);
}

int front_run(struct role_env *env, const struct role *role)
{
	struct loop_signal term = {};
	void *state = NULL;
	struct err e = {};
	enum status st;

	env->loop = loop_new();
	loop_signal_start(&term, env->loop, SIGTERM, on_stop, env->loop);
	/* A terminal's Ctrl-C reaches all; the supervisor decides. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	st = role_process_enter(env, role, &state, &e);
	if (st == ST_OK)
		st = role->start(env, state, &e);
	if (st == ST_OK) {
		role_process_ready();
		loop_run(env->loop);
	} else {
		LOG(LOG_ERROR, "role.failed", KV_Z("reason", e.text));
	}
	role->close(&state);
	loop_signal_stop(&term);
	loop_free(&env->loop);
	return st == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
