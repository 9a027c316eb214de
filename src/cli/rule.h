/* SPDX-License-Identifier: Apache-2.0 */
/* rule: exceptions that an operator makes for single domains. */
#pragma once

#include "cli/cli.h"

/* --reason and --until. */
extern const struct arg_row rule_time_options[];

/*
 * Sets a rule through the running daemon and prints it: off, enforce, testing
 * or pin, for the profile, "*" for all. An exit code.
 */
int rule_set(struct cli *cli, const struct args *args, const char *domain,
	const char *rule, const char *profile);
