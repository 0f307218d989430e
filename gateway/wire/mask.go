package wire

// MethodMask takes out of texts what the gateway knows to be secret: MaskParams →
// Masked. It needs the gateway's own machine.
const MethodMask = "openclaw.texts.mask"

// MaxMasked bounds the texts of one call.
const MaxMasked = 1000

// MaskParams are texts that are about to be shown or written.
type MaskParams struct {
	Texts []string `json:"texts"`
}

// Masked are the texts in the same order.
type Masked struct {
	Texts []string `json:"texts"`
}
