package view

// chinesePane is what is said about the terminals of runs.
func chinesePane() map[string]string {
	return map[string]string{
		"%s does not read what is typed; %s leaves":                           "%s 不读取输入；%s 离开",
		"? %s asks: %s %s   (held; %s, then {asks.next} shows it)":            "? %s 请求：%s %s   （已暂停；先按 %s，再按 {asks.next} 查看）",
		"End run %s of %s and start its command again, in the same terminal?": "结束运行 %s（%s），并在同一终端中重新启动其命令？",
		"close":             "关闭",
		"close; it goes on": "关闭；它继续运行",
		"enter starts it in its cage, in a terminal here; %s leaves it, and it goes on; ctrl+u clears the line":     "enter 在沙箱中启动它，终端显示在此；%s 离开，它继续运行；ctrl+u 清空此行",
		"a command such as claude, in a terminal here; enter alone: the config's own; %s leaves it, and it goes on": "输入命令，如 claude，终端显示在此；只按 enter：配置中它自己的命令；%s 离开，它继续运行",
		"{back} closes the pane first; the run goes on":                                                             "先按 {back} 关闭终端窗格；运行会继续",
		"its own, in a pane of this screen; {agents.output} shows it":                                               "它自己的，在此屏幕的窗格中；{agents.output} 显示它",
		"its supervisor is gone":                   "它的监管进程已不在",
		"its terminal does not answer: %s":         "它的终端没有应答：%s",
		"its terminal is on the gateway's machine": "它的终端在网关的机器上",
		"keys go to %s; %s leaves; run %s":         "按键发给 %s；%s 离开；运行 %s",
		"leaves; every other key goes to %s":       "离开；其他按键都发给 %s",
		"live…":                                    "终端…",
		"start a command of the selected agent in a terminal here, which goes on when the screen is left": "在此处的终端中启动选中智能体的命令；离开屏幕后它继续运行",
		"terminal of run %s, %s": "运行 %s（%s）的终端",
		"the keys are this screen's again; {list.open} gives them back to %s, {back} closes the pane": "按键重新归此屏幕；{list.open} 交还给 %s，{back} 关闭窗格",
		"the terminal of the newest run that has one here, or what the newest without one says":       "在此有终端的最新运行的终端，或不带终端的最新运行的输出",
		"type to it":        "向它输入",
		"what stands above": "上面的内容",
	}
}
