/* SPDX-License-Identifier: Apache-2.0 */
/* commands: the rows of the subcommands, one file each. */
#pragma once

#include "cli/cli.h"

extern const struct command cmd_alert;
extern const struct command cmd_audit;
extern const struct command cmd_cache;
extern const struct command cmd_doctor;
extern const struct command cmd_domain;
extern const struct command cmd_explain;
extern const struct command cmd_held;
extern const struct command cmd_lint;
extern const struct command cmd_match;
extern const struct command cmd_new;
extern const struct command cmd_report;
extern const struct command cmd_rule;
extern const struct command cmd_setup;
extern const struct command cmd_status;
extern const struct command cmd_view;
