/* SPDX-License-Identifier: Apache-2.0 */
/* roles: the roles by name, each defined in role_NAME.c. */
#pragma once

#include "api/settings_check.h"

#include "daemon/role.h"

extern const struct role role_acme;
extern const struct role role_console;
extern const struct role role_digest;
extern const struct role role_dns;
extern const struct role role_edge;
extern const struct role role_imap;
extern const struct role role_keeper;
extern const struct role role_lmtp;
extern const struct role role_notify;
extern const struct role role_policy;
extern const struct role role_probe;

/* settings_check, with the names of all roles. */
size_t roles_check(const struct settings *set, settings_say *say, void *ctx);
