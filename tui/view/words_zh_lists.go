package view

// chineseLists are the texts about lists, the entries of the log and the graphs.
func chineseLists() map[string]string {
	return map[string]string{ //nolint:gosec // texts, not credentials
		"waiting for an answer: %s; what nobody answers is denied": "等待答复：%s；无人答复的会被拒绝",
		" says why": " 说明原因",
		"every rule that was looked at for the request that is tried, in order":                     "为所试请求查看过的每条规则，按顺序",
		"write the records that pass to a file in the home folder, as they are in the log":          "把通过的记录写到主文件夹的文件中，与日志中的一样",
		"open the config in $EDITOR, at the agent; it is read when it is saved":                     "在 $EDITOR 中打开配置，定位到该智能体；保存后即读取",
		"open the config in $EDITOR, at the rule that is the reason; it is read when it is saved":   "在 $EDITOR 中打开配置，定位到作为原因的规则；保存后即读取",
		"{agents.test} tries a request; then {asks.why} shows every rule that was looked at for it": "{agents.test} 试一个请求；然后 {asks.why} 显示为它查看过的每条规则",
		"Last 15 minutes": "最近 15 分钟",
		" ms":             " 毫秒",
		"requests/s":      "请求/秒",
		"p95 first byte":  "p95 首字节",
		"Rotate secret":   "轮换密钥",
		"# secret":        "%d 个密钥",
		"runs":            "运行数",
		"count":           "次数",
		"Delete %s: %s? Whatever uses them fails from then on. They cannot be brought back.": "删除 %s：%s？之后使用它们的一切都会失败，且无法恢复。",
		"%s of %s do not work: %s":           "%s 个（共 %s）不可用：%s",
		"%s %s more lines: {list.open}":      "%s 还有 %s 行：{list.open}",
		"%s %s more lines: {list.page_down}": "%s 还有 %s 行：{list.page_down}",
		"wrap":                               "折行",
		"JSON":                               "JSON",
		"errors":                             "错误",
		"the gateway was lost: %s":           "网关曾断开：%s",
		" Nothing went wrong here since the screen was opened. {logs.errors} shows every line again.": " 屏幕打开以来，这里没有出过错。{logs.errors} 重新显示所有行。",
		"the gateway answers again":                                                     "网关又有响应了",
		"the selected record as JSON, or as words again":                                "以 JSON 显示选中的记录，或恢复为文字",
		"a line that is too long goes on in the next row, or is cut again":              "过长的行在下一行继续，或重新截断",
		"only what went wrong on this screen, with the time of it, or every line again": "只显示此屏幕上出过的错及其时间，或恢复所有行",
	}
}
