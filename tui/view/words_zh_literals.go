package view

// chineseLiterals is what is said about keys that stand in clear in files.
func chineseLiterals() map[string]string {
	return map[string]string{ //nolint:gosec // texts, not credentials
		"%s is no number of the list; nothing was changed":                                               "%s 不是列表中的编号；没有任何改动",
		"%s of %s: %s characters, becomes the secret %s":                                                 "第 %s 个，共 %s 个：%s 个字符，存为密钥 %s",
		"%s, %s in %s, %s characters, becomes the secret %s":                                             "%s，%s，位于 %s，%s 个字符，存为密钥 %s",
		"Keys in files are moved on the machine where they stand: openclaw secrets import, there.":       "文件中的密钥要在文件所在的机器上移动：在那里运行 openclaw secrets import。",
		"Move keys out of files":                                                                         "把密钥移出文件",
		"No key stands in clear in the config, the shell profiles, the agents' settings or this folder.": "配置、shell 配置文件、智能体设置和此文件夹中没有明文密钥。",
		"Nothing is marked: space marks the selected one, a all of them.":                                "没有标记任何一个：space 标记所选的，a 标记全部。",
		"The files could not be looked at: %s":                                                           "无法查看这些文件：%s",
		"and %s more: openclaw secrets import --dry-run":                                                 "另有 %s 个：openclaw secrets import --dry-run",
		"down shows %s more lines":                                                                       "按 down 再显示 %s 行",
		"each is stored, read back and compared; then its file is changed":                               "每一个先存储、读回并比较；然后才改动其文件",
		"enter back": "enter 返回",
		"esc back":   "esc 返回",
		"find keys that stand in clear in the config, shell profiles, agents' settings and this folder, and move the marked ones here": "在配置、shell 配置文件、智能体设置和此文件夹中查找明文密钥，并把标记的移到这里",
		"import": "导入",
		"import alone lists the keys; import 1 3 yes moves those of the list": "单独的 import 列出密钥；import 1 3 yes 移动列表中的这些",
		"import…": "导入…",
		"looking into the config, the shell profiles, the agents' settings and this folder": "正在查看配置、shell 配置文件、智能体设置和此文件夹",
		"space mark   a all   y move the marked   esc back":                                 "space 标记   a 全部   y 移动已标记的   esc 返回",
		"the file is changed by hand: %s":                                                   "此文件需手动改动：%s",
	}
}
