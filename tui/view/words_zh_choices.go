package view

// chineseChoices are the texts about what is chosen and saved on the screen.
func chineseChoices() map[string]string {
	return map[string]string{ //nolint:gosec // texts, not credentials
		"see whether the marked secrets resolve, or the selected one, and whether the providers that use them take them; never shows them": "检查已标记的或选中的密钥能否解析，以及使用它们的提供商是否接受；从不显示内容",
		"all %s resolve; providers take %s of them":                         "%s 个全部可解析；其中 %s 个被提供商接受",
		"works: found in the %s, taken by %s":                               "可用：在 %s 中找到，%s 接受它",
		"resolves: found in the %s; no provider uses it, so none was asked": "可解析：在 %s 中找到；没有提供商使用它，因此未询问",
		"resolves: found in the %s; whether it is taken is not known: %s":   "可解析：在 %s 中找到；不知道是否被接受：%s",
		"validate": "校验",
		"say what reading the config file would come to, and put nothing into force": "说明读取配置文件会有什么结果，不使任何内容生效",
		"not validated: %s":                   "未校验：%s",
		"valid, and what is active; %s":       "有效，且与当前生效的相同；%s",
		"valid, and not in force yet: %s; %s": "有效，尚未生效：%s；%s",
		"would be refused: %s":                "会被拒绝：%s",
		"%s, and %s more":                     "%s，另有 %s 处",
		"# warning":                           "%d 个警告",
		"type a name, such as mine":           "请输入名称，如 mine",
		"Take a saved filter out":             "移除已保存的过滤条件",
		"Save the filter":                     "保存过滤条件",
		"looking at the config":               "正在查看配置",
		"saved:":                              "已保存：",
		"takes out of %s:":                    "从 %s 中移除：",
		"not saved: %s":                       "未保存：%s",
		"@%s is taken out of %s":              "@%s 已从 %s 中移除",
		"no config is at hand here: nothing can be saved":                                                         "此处没有配置：无法保存",
		"saved in %s, line %s; @%s in a filter stands for it":                                                     "已保存到 %s 第 %s 行；过滤条件中的 @%s 代表它",
		"this filter cannot be read, so it is not saved: {filter.edit} changes it":                                "此过滤条件无法解析，未保存：{filter.edit} 修改它",
		"no filter is on here that could be saved; a name that is saved is taken out of the config":               "此处没有可保存的过滤条件；已保存的名称会从配置中移除",
		"@name in any filter then stands for it; enter shows the line that this writes into the config":           "之后任何过滤条件中的 @名称 都代表它；enter 显示将写入配置的行",
		"save the filter under a name, in the config; its line is shown first; without a filter: take a name out": "在配置中以名称保存过滤条件；先显示该行；没有过滤条件时：移除一个名称",
	}
}
