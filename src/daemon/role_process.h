/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role_process: what front.c and back.c share: from exec to the sandbox, and
 * back out. Also the sockets of role.h.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"
#include "daemon/role.h"

/* Gives up privileges, calls the role's open, enters the sandbox. */
enum status role_process_enter(struct role_env *env, const struct role *role,
	void **state, struct err *e);

/* Tells the supervisor, if there is one, that the role is up. */
void role_process_ready(void);

/* Runs the role's whole life; the exit code of the process. */
int front_run(struct role_env *env, const struct role *role);
int back_run(struct role_env *env, const struct role *role);
