/* SPDX-License-Identifier: Apache-2.0 */
/* sender: what the commands of the sending side share. */
#pragma once

#include "base/json.h"
#include "cli/cli.h"

/*
 * "PREFIX/NAME/suffix" (suffix may be NULL) for the control socket, the name
 * checked and in A-labels; p == NULL, after a message, if it is no domain.
 */
struct str sender_path(struct cli *cli, const char *prefix, const char *domain,
	const char *suffix);

/*
 * Prints what explain_start gave. The exit code: CLI_ERRORS if mail to the
 * domain cannot go out, CLI_WARNINGS if something is wrong with its policy.
 */
int sender_print_explained(struct cli *cli, const struct json *answer);

/* The same exit code without a word. */
int sender_verdict(const struct json *answer);

/* The lines of one cached policy. */
void sender_print_policy(
	struct cli *cli, const struct json *policy, int64_t now);

/* In a word or two: "in force", "pinned", "expired", "record gone". */
const char *sender_policy_state(const struct json *policy, int64_t now);

/* A rule on one line. */
void sender_print_rule(struct cli *cli, const struct json *rule);
