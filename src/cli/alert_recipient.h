/* SPDX-License-Identifier: Apache-2.0 */
/* alert_recipient: moat alert recipient and moat alert options. */
#pragma once

#include "cli/cli.h"

extern const struct command alert_recipient_verbs[];
int alert_options_run(struct cli *cli, const struct args *args);
extern const struct arg_row alert_options_options[];
